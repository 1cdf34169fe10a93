//! A program made ready to run: kernels chosen, places given to values.

use crate::element::DType;

/// The number of a place: inputs first, then constants, slots and outputs.
pub(super) type Place = u32;

/// A program made ready to run.
#[derive(Debug)]
pub(super) struct Compiled {
    n_inputs: usize,
    n_slots: usize,
    widest_bytes: usize,
    outputs: Vec<Place>,
    output_dtypes: Vec<DType>,
}

/// Bytes of a tile of the widest element type of a program.
///
/// Short tiles let the processor fetch the next tile while it works on this one: at 16 KiB a chain of six operations
/// takes twice as long as at 1 KiB, on data that does not fit the caches.
const TILE_BYTES: usize = 1024;

impl Compiled {
    pub(super) fn hand_over(dtypes: &[DType]) -> Compiled {
        Compiled {
            n_inputs: dtypes.len(),
            n_slots: 0,
            widest_bytes: dtypes.iter().map(|dtype| dtype.size_bytes()).max().unwrap_or(1),
            outputs: (0..dtypes.len() as Place).collect(),
            output_dtypes: dtypes.to_vec(),
        }
    }

    pub(super) fn tile_len(&self) -> usize {
        (TILE_BYTES / self.widest_bytes).min(512)
    }

    pub(super) fn widest_bytes(&self) -> usize {
        self.widest_bytes
    }

    pub(super) fn n_slots(&self) -> usize {
        self.n_slots
    }

    /// The places that hold the outputs after the last step.
    pub(super) fn outputs(&self) -> &[Place] {
        &self.outputs
    }

    pub(super) fn output_dtypes(&self) -> &[DType] {
        &self.output_dtypes
    }

    pub(super) fn output_place(&self, output: usize) -> usize {
        self.n_inputs + self.n_slots + output
    }

    /// Whether the outputs are inputs as they come.
    pub(super) fn only_hands_over(&self) -> bool {
        self.outputs.iter().all(|&place| (place as usize) < self.n_inputs)
    }

    pub(super) fn constant_places(&self, n_inputs: usize) -> Vec<*mut u8> {
        vec![std::ptr::null_mut(); n_inputs]
    }
}
