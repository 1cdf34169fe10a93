//! How arrays print: one line, without computing anything.

use std::fmt;

use super::{Array, DynArray};
use crate::element::Element;

impl fmt::Display for DynArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grid = self.grid();
        let n_blocks = grid.n_blocks();
        let n_ops = self.expr().n_ops();
        write!(f, "Array<{}> {grid} = {n_blocks} block{}, ", self.dtype(), plural(n_blocks))?;
        match self.meta().n_bytes() {
            Some(bytes) => write!(f, "{}", Bytes(bytes))?,
            None => f.write_str("unknown size")?,
        }
        write!(f, ", {}, {n_ops} op{}", self.layout(), plural(n_ops as u64))
    }
}

fn plural(n: u64) -> &'static str {
    if n == 1 { "" } else { "s" }
}

impl fmt::Debug for DynArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T: Element> fmt::Display for Array<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_dyn(), f)
    }
}

impl<T: Element> fmt::Debug for Array<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_dyn(), f)
    }
}

/// Bytes with a binary unit: `7.45 GiB`.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let unit = (self.0.ilog2() / 10).min(UNITS.len() as u32);
        let value = self.0 as f64 / 1024f64.powi(unit as i32);
        write!(f, "{value:.2} {}", UNITS[unit as usize - 1])
    }
}
