//! Bytes as frames: compressed, with a version, lengths and a sum.
//!
//! ```text
//!   4 B      2 B      1 B    1 B  4 B    4 B        4 B       4 B  8 B
//!   "HSPF" | version | codec | 0 | index | content | stored | 0  | xxh3 of all before and of what is stored | stored ..
//! ```
//!
//! All numbers are little-endian. A content is cut into pieces of [`PIECE_BYTES`], the last one smaller, one frame each;
//! its length is known to whoever reads it, and so is every number in a header but the stored length: whatever else is
//! found there is an error, and no memory is asked for on the word of a file.

use std::io::{Read, Write};

use lz4_flex::block::{compress_into, decompress_into, get_maximum_output_size};
use xxhash_rust::xxh3::Xxh3;

use crate::element::alloc::filled;
use crate::error::{Error, Result};

const OP: &str = "spill";

const MAGIC: [u8; 4] = *b"HSPF";
const VERSION: u16 = 1;
const HEADER_BYTES: usize = 32;
/// The part of the header that the sum covers.
const SUMMED_BYTES: usize = 24;

/// The content of one frame: small enough to stay in cache between its two passes.
pub(super) const PIECE_BYTES: usize = 1 << 20;

/// Pieces that are stored as they are after one that compression did not shrink: noise comes in long runs.
const SKIPPED_PIECES: usize = 7;

/// How a piece is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Codec {
    Raw = 0,
    Lz4 = 1,
}

struct Header {
    codec: Codec,
    index: u32,
    content_bytes: u32,
    stored_bytes: u32,
}

impl Header {
    fn to_bytes(&self, stored: &[u8]) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&VERSION.to_le_bytes());
        bytes[6] = self.codec as u8;
        bytes[8..12].copy_from_slice(&self.index.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.content_bytes.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.stored_bytes.to_le_bytes());
        let sum = sum(&bytes[..SUMMED_BYTES], stored);
        bytes[SUMMED_BYTES..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// The codec and the stored length in the header of a piece whose other numbers are known.
    fn read(bytes: &[u8; HEADER_BYTES], index: u32, content_bytes: u32) -> Result<Self> {
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let version = u16::from_le_bytes([bytes[4], bytes[5]]);
        if bytes[..4] != MAGIC || version != VERSION {
            return Err(damaged(index, "it does not begin as one of this version"));
        }
        let codec = match bytes[6] {
            0 => Codec::Raw,
            1 => Codec::Lz4,
            _ => return Err(damaged(index, "it names an unknown codec")),
        };
        let header = Self { codec, index, content_bytes, stored_bytes: number(16) };
        let fits = match codec {
            Codec::Raw => header.stored_bytes == content_bytes,
            Codec::Lz4 => header.stored_bytes < content_bytes,
        };
        if number(8) != index || number(12) != content_bytes || !fits {
            return Err(damaged(index, "its lengths are not those of its place"));
        }
        Ok(header)
    }
}

fn sum(header: &[u8], stored: &[u8]) -> u64 {
    let mut sum = Xxh3::new();
    sum.update(header);
    sum.update(stored);
    sum.digest()
}

fn damaged(index: u32, detail: &str) -> Error {
    Error::format(OP, format!("frame {index} of a value on disk is damaged: {detail}"))
}

/// Writes a content; the number of bytes that it takes.
pub(super) fn write_frames(content: &[u8], sink: &mut impl Write) -> std::io::Result<u64> {
    let mut packed = vec![0; get_maximum_output_size(PIECE_BYTES.min(content.len()))];
    let (mut written_bytes, mut n_to_skip) = (0, 0_usize);
    for (index, piece) in content.chunks(PIECE_BYTES).enumerate() {
        let shrunk = if n_to_skip > 0 { None } else { compress(piece, &mut packed) };
        n_to_skip = if shrunk.is_some() { 0 } else { n_to_skip.checked_sub(1).unwrap_or(SKIPPED_PIECES) };
        let (codec, stored) = shrunk.map_or((Codec::Raw, piece), |packed| (Codec::Lz4, packed));
        let (content_bytes, stored_bytes) = (piece.len() as u32, stored.len() as u32);
        let header = Header { codec, index: index as u32, content_bytes, stored_bytes };
        sink.write_all(&header.to_bytes(stored))?;
        sink.write_all(stored)?;
        written_bytes += (HEADER_BYTES + stored.len()) as u64;
    }
    Ok(written_bytes)
}

/// The compressed piece, if that is worth it: an eighth smaller at least.
fn compress<'a>(piece: &[u8], packed: &'a mut [u8]) -> Option<&'a [u8]> {
    let n_bytes = compress_into(piece, packed).ok()?;
    (n_bytes <= piece.len() - piece.len() / 8 && n_bytes < piece.len()).then(|| &packed[..n_bytes])
}

/// Reads a content of `content_bytes` back.
pub(super) fn read_frames(content_bytes: usize, source: &mut impl Read) -> Result<Vec<u8>> {
    let mut content = filled(OP, content_bytes as u128, 0_u8)?;
    let mut packed = Vec::new();
    for (index, piece) in content.chunks_mut(PIECE_BYTES).enumerate() {
        read_frame(index as u32, piece, &mut packed, source)?;
    }
    Ok(content)
}

fn read_frame(index: u32, piece: &mut [u8], packed: &mut Vec<u8>, source: &mut impl Read) -> Result<()> {
    let short = |source: std::io::Error| damaged(index, "it cannot be read to its end").with_source(source);
    let mut bytes = [0; HEADER_BYTES];
    source.read_exact(&mut bytes).map_err(short)?;
    let header = Header::read(&bytes, index, piece.len() as u32)?;
    let is_right = |stored: &[u8]| sum(&bytes[..SUMMED_BYTES], stored).to_le_bytes() == bytes[SUMMED_BYTES..];
    let wrong = || damaged(index, "its bytes are not what was written");
    if header.codec == Codec::Raw {
        source.read_exact(piece).map_err(short)?;
        return if is_right(piece) { Ok(()) } else { Err(wrong()) };
    }
    packed.resize(header.stored_bytes as usize, 0);
    source.read_exact(packed).map_err(short)?;
    if !is_right(packed) {
        return Err(wrong());
    }
    match decompress_into(packed, piece) {
        Ok(n_bytes) if n_bytes == piece.len() => Ok(()),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(content: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let n_bytes = write_frames(content, &mut file).unwrap();
        assert_eq!(n_bytes, file.len() as u64);
        file
    }

    fn read(n_bytes: usize, mut file: &[u8]) -> Result<Vec<u8>> {
        read_frames(n_bytes, &mut file)
    }

    /// Bytes without any pattern.
    fn noise(n_bytes: usize) -> Vec<u8> {
        let words = (0..n_bytes.div_ceil(8)).map(|i| xxhash_rust::xxh3::xxh3_64(&i.to_le_bytes()));
        words.flat_map(u64::to_le_bytes).take(n_bytes).collect()
    }

    #[test]
    fn contents_of_any_length_come_back() {
        for n_bytes in [0, 1, 100, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 5] {
            for content in [vec![7; n_bytes], noise(n_bytes)] {
                assert_eq!(read(n_bytes, &written(&content)).unwrap(), content);
            }
        }
    }

    #[test]
    fn what_can_be_compressed_is_and_noise_costs_its_headers() {
        assert!(written(&vec![0; 4 * PIECE_BYTES]).len() < 64 << 10);
        let n_pieces = 20;
        assert_eq!(written(&noise(n_pieces * PIECE_BYTES)).len(), n_pieces * (PIECE_BYTES + HEADER_BYTES));
        let mixed = [noise(PIECE_BYTES), vec![0; 20 * PIECE_BYTES]].concat();
        assert!(written(&mixed).len() < 9 * PIECE_BYTES);
    }

    #[test]
    fn a_header_with_a_right_sum_and_wrong_numbers_is_refused() {
        let forge = |codec, index, content_bytes, stored: &[u8]| {
            let header = Header { codec, index, content_bytes, stored_bytes: stored.len() as u32 };
            [&header.to_bytes(stored)[..], stored].concat()
        };
        assert_eq!(read(3, &forge(Codec::Raw, 0, 3, b"abc")).unwrap(), b"abc");
        let bad = [
            forge(Codec::Raw, 1, 3, b"abc"),
            forge(Codec::Raw, 0, 4, b"abc"),
            forge(Codec::Raw, 0, 3, b"abcd"),
            forge(Codec::Lz4, 0, 3, b"abc"),
            forge(Codec::Lz4, 0, 3, b"a"),
        ];
        for (i, file) in bad.iter().enumerate() {
            assert!(read(3, file).unwrap_err().to_string().contains("damaged"), "{i}");
        }
        // A bomb: the compressed piece is longer than its place.
        let mut packed = vec![0; get_maximum_output_size(1_000)];
        let n_bytes = compress_into(&[0; 1_000], &mut packed).unwrap();
        assert!(read(100, &forge(Codec::Lz4, 0, 100, &packed[..n_bytes])).is_err());
        assert!(read(2_000, &forge(Codec::Lz4, 0, 2_000, &packed[..n_bytes])).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn every_changed_byte_and_every_cut_is_found(
            content in proptest::collection::vec(0_u8..4, 1..300),
            at in any::<prop::sample::Index>(),
            flip in 1_u8..=255,
            is_cut in any::<bool>(),
        ) {
            let mut file = written(&content);
            let at = at.index(file.len());
            if is_cut { file.truncate(at) } else { file[at] ^= flip }
            prop_assert!(read(content.len(), &file).is_err());
        }
    }
}
