//! Frames as bytes: lengths first, then the frames.
//!
//! ```text
//! N = 8 + 8 * n_frames + the lengths of frames 0..=k          all integers are u64, little-endian
//! ```
//!
//! Frames after frame `k` follow the `N` bytes one by one, so that a large one can be received into memory of its own. A
//! sender may put everything into the unsplit part; a receiver must take both forms.

use bytes::{BufMut, Bytes, BytesMut};

use super::limits::Limits;
use crate::error::{Error, Result};

const OP: &str = "remote frame";

/// Bytes of one length; every message begins with one.
pub(crate) const LENGTH_BYTES: usize = 8;

/// Frames of this size and more are sent behind the unsplit part.
const SPLIT_BYTES: usize = 64 << 10;

/// The frames found in an unsplit part, and the lengths of those that follow it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) frames: Vec<Bytes>,
    pub(crate) missing_bytes: Vec<usize>,
}

/// How many bytes the unsplit part has, from the first eight bytes of a message.
pub(crate) fn unsplit_bytes(head: [u8; LENGTH_BYTES], limits: &Limits) -> Result<usize> {
    let claimed = u64::from_le_bytes(head);
    let least = 2 * LENGTH_BYTES as u64;
    if claimed < least {
        return Err(Error::format(OP, format!("a message of {claimed} bytes cannot hold one frame")));
    }
    checked_message_bytes(claimed, limits)
}

/// Cuts the unsplit part of a message into frames.
pub(crate) fn cut_frames(unsplit: &Bytes, limits: &Limits) -> Result<Cut> {
    let lengths = frame_lengths(unsplit, limits)?;
    let mut at = LENGTH_BYTES * (1 + lengths.len());
    let mut cut = Cut { frames: Vec::with_capacity(lengths.len()), missing_bytes: Vec::new() };
    for &length in &lengths {
        // A frame without bytes at the border counts as missing.
        if at == unsplit.len() {
            cut.missing_bytes.push(length);
            continue;
        }
        if length > unsplit.len() - at {
            let detail = format!("a frame of {length} bytes starts at byte {at} of {} and is cut off", unsplit.len());
            return Err(Error::format(OP, detail));
        }
        cut.frames.push(unsplit.slice(at..at + length));
        at += length;
    }
    if at < unsplit.len() {
        return Err(Error::format(OP, format!("{} bytes belong to no frame", unsplit.len() - at)));
    }
    Ok(cut)
}

/// The table of lengths, each checked, and their sum as well.
fn frame_lengths(unsplit: &[u8], limits: &Limits) -> Result<Vec<usize>> {
    let claimed = length_at(unsplit, 0)?;
    let room = (unsplit.len() / LENGTH_BYTES - 1) as u64;
    if claimed == 0 || claimed > room.min(limits.n_frames as u64) {
        let detail =
            format!("{claimed} frames are claimed where 1 to {} are possible", room.min(limits.n_frames as u64));
        return Err(Error::format(OP, detail));
    }
    let lengths: Vec<u64> = (1..=claimed as usize).map(|i| length_at(unsplit, i)).collect::<Result<_>>()?;
    let total = lengths.iter().try_fold(0_u64, |sum, &length| sum.checked_add(length));
    checked_message_bytes(total.unwrap_or(u64::MAX), limits)?;
    Ok(lengths.into_iter().map(|length| length as usize).collect())
}

fn length_at(unsplit: &[u8], index: usize) -> Result<u64> {
    let at = index * LENGTH_BYTES;
    let bytes = unsplit.get(at..at + LENGTH_BYTES).and_then(|bytes| bytes.try_into().ok());
    bytes.map(u64::from_le_bytes).ok_or_else(|| Error::format(OP, "the table of lengths is cut off"))
}

fn checked_message_bytes(claimed: u64, limits: &Limits) -> Result<usize> {
    match usize::try_from(claimed) {
        Ok(n_bytes) if claimed <= limits.message_bytes => Ok(n_bytes),
        _ => Err(Error::format(OP, format!("a message of {claimed} bytes; the limit is {}", limits.message_bytes))),
    }
}

/// The bytes of a message: its unsplit part in one piece, and large frames behind it as they are.
pub(crate) fn join_frames(frames: &[Bytes]) -> Vec<Bytes> {
    let n_inside = frames.iter().position(|frame| frame.len() >= SPLIT_BYTES).unwrap_or(frames.len());
    let (inside, behind) = frames.split_at(n_inside);
    let table_bytes = LENGTH_BYTES * (1 + frames.len());
    let unsplit = table_bytes + inside.iter().map(Bytes::len).sum::<usize>();
    let mut first = BytesMut::with_capacity(LENGTH_BYTES + unsplit);
    first.put_u64_le(unsplit as u64);
    first.put_u64_le(frames.len() as u64);
    frames.iter().for_each(|frame| first.put_u64_le(frame.len() as u64));
    inside.iter().for_each(|frame| first.extend_from_slice(frame));
    [first.freeze()].into_iter().chain(behind.iter().cloned()).collect()
}

/// Cuts a whole message; what follows the unsplit part must be there too.
#[cfg(any(test, fuzzing))]
pub(crate) fn split_message(message: &Bytes, limits: &Limits) -> Result<Vec<Bytes>> {
    let short = || Error::format(OP, "the message is cut off");
    let head = message.get(..LENGTH_BYTES).and_then(|head| head.try_into().ok()).ok_or_else(short)?;
    let mut rest = message.slice(LENGTH_BYTES..);
    let n_unsplit = unsplit_bytes(head, limits)?;
    if n_unsplit > rest.len() {
        return Err(short());
    }
    let Cut { mut frames, missing_bytes } = cut_frames(&rest.split_to(n_unsplit), limits)?;
    for length in missing_bytes {
        if length > rest.len() {
            return Err(short());
        }
        frames.push(rest.split_to(length));
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `_add_frames_header([b"\x81\xa1a\x01", b"", b"xyz"])` of distributed 2026.8.0, joined.
    const FROM_PYTHON: &[u8] =
        b"\x27\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x81\xa1a\x01xyz";

    fn whole(parts: &[Bytes]) -> Bytes {
        parts.concat().into()
    }

    #[test]
    fn the_reference_form_is_read_and_written() {
        let frames = split_message(&Bytes::from_static(FROM_PYTHON), &Limits::default()).unwrap();
        assert_eq!(frames, [&b"\x81\xa1a\x01"[..], b"", b"xyz"]);
        assert_eq!(whole(&join_frames(&frames)), FROM_PYTHON);
    }

    #[test]
    fn frames_behind_the_unsplit_part_are_reported_as_missing() {
        // N covers the table and frame 0; two frames follow, one of them empty.
        let mut unsplit = Vec::new();
        for number in [3_u64, 1, 0, 2] {
            unsplit.extend(number.to_le_bytes());
        }
        unsplit.push(0xc0);
        let cut = cut_frames(&unsplit.clone().into(), &Limits::default()).unwrap();
        assert_eq!(cut, Cut { frames: vec![Bytes::from_static(b"\xc0")], missing_bytes: vec![0, 2] });
        let mut message = (unsplit.len() as u64).to_le_bytes().to_vec();
        message.extend(unsplit);
        message.extend(b"ab");
        let frames = split_message(&message.into(), &Limits::default()).unwrap();
        assert_eq!(frames, [&b"\xc0"[..], b"", b"ab"]);
    }

    #[test]
    fn claims_beyond_the_limits_are_refused() {
        let limits = Limits { message_bytes: 1000, n_frames: 3, ..Limits::default() };
        assert!(unsplit_bytes(15_u64.to_le_bytes(), &limits).is_err());
        assert!(unsplit_bytes(1001_u64.to_le_bytes(), &limits).is_err());
        assert!(unsplit_bytes(u64::MAX.to_le_bytes(), &limits).is_err());
        let table = |numbers: &[u64]| Bytes::from(numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>());
        assert!(cut_frames(&table(&[0]), &limits).is_err());
        assert!(cut_frames(&table(&[4, 0, 0, 0, 0]), &limits).is_err());
        assert!(cut_frames(&table(&[u64::MAX, 0]), &limits).is_err());
        assert!(cut_frames(&table(&[2, u64::MAX, 2]), &limits).is_err());
        assert!(cut_frames(&table(&[2, 600, 600]), &limits).is_err());
        assert!(cut_frames(&table(&[1, 500]), &limits).is_ok());
    }

    proptest! {
        #[test]
        fn frames_come_back(sizes in prop::collection::vec(prop_oneof![0_usize..20, 60_000_usize..70_000], 1..8)) {
            let frames: Vec<Bytes> = sizes.iter().enumerate().map(|(i, &n)| vec![i as u8; n].into()).collect();
            let parts = join_frames(&frames);
            prop_assert_eq!(split_message(&whole(&parts), &Limits::default()).unwrap(), frames);
        }

        #[test]
        fn every_truncation_is_an_error(n_kept in 0_usize..FROM_PYTHON.len()) {
            prop_assert!(split_message(&FROM_PYTHON[..n_kept].to_vec().into(), &Limits::default()).is_err());
        }
    }
}
