//! Random bits that are computed from their number, so that any of them can be had without the others.
//!
//! Philox4x32-10: ten rounds of multiplications and exclusive ors turn a counter of 128 bits and a key of 64 bits into 128
//! bits that pass the usual batteries of tests (Salmon, Moraes, Dror and Shaw, *Parallel random numbers: as easy as 1, 2,
//! 3*, SC 2011). Every counter has other bits: for one key the function is a permutation.

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// What is added to the key between rounds: the golden ratio and the square root of 3, less 1.
const STEPS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const N_ROUNDS: usize = 10;

/// The 128 random bits of a counter.
pub(crate) fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..N_ROUNDS {
        let [a, b, c, d] = counter;
        let (first, second) = (product(MULTIPLIERS[0], a), product(MULTIPLIERS[1], c));
        counter = [second[1] ^ b ^ key[0], second[0], first[1] ^ d ^ key[1], first[0]];
        key = [key[0].wrapping_add(STEPS[0]), key[1].wrapping_add(STEPS[1])];
    }
    counter
}

/// The low and the high word of a product.
fn product(a: u32, b: u32) -> [u32; 2] {
    words(u64::from(a) * u64::from(b))
}

/// The low and the high half of a number.
pub(crate) fn words(x: u64) -> [u32; 2] {
    [x as u32, (x >> 32) as u32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_the_reference() {
        // The known answers that come with the authors' code.
        let zeros = philox([0; 4], [0; 2]);
        assert_eq!(zeros, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        let ones = philox([u32::MAX; 4], [u32::MAX; 2]);
        assert_eq!(ones, [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let pi = philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]);
        assert_eq!(pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }
}
