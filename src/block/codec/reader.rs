//! A cursor over bytes that nobody vouches for.

use crate::error::{Error, Result};

/// Reads little-endian numbers and runs of bytes; every read past the end is an error that names what was due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    op: &'static str,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`; errors are told as those of `op`.
    pub(crate) fn new(op: &'static str, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, op }
    }

    /// What has not been read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `n` bytes.
    pub(crate) fn bytes(&mut self, what: &str, n: usize) -> Result<&'a [u8]> {
        match self.rest.split_at_checked(n) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(self.fault(format!("{what} takes {n} bytes and {} are left", self.rest.len()))),
        }
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(what, N)?);
        Ok(array)
    }

    pub(crate) fn u8(&mut self, what: &str) -> Result<u8> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self, what: &str) -> Result<u32> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self, what: &str) -> Result<u64> {
        self.array(what).map(u64::from_le_bytes)
    }

    pub(crate) fn u128(&mut self, what: &str) -> Result<u128> {
        self.array(what).map(u128::from_le_bytes)
    }

    /// A text with its length before it.
    #[cfg(test)]
    pub(crate) fn text(&mut self, what: &str) -> Result<&'a str> {
        let len = self.u32(what)? as usize;
        let bytes = self.bytes(what, len)?;
        std::str::from_utf8(bytes).map_err(|_| self.fault(format!("{what} is not text")))
    }

    /// A number of items that take at least `min_bytes` bytes each, so that it is no more than the bytes left allow.
    pub(crate) fn count(&mut self, what: &str, min_bytes: usize) -> Result<usize> {
        let n = self.u32(what)? as usize;
        if n > self.rest.len() / min_bytes.max(1) {
            return Err(self.fault(format!("{n} of {what} do not fit the {} bytes that are left", self.rest.len())));
        }
        Ok(n)
    }

    /// An error if anything is left.
    pub(crate) fn end(&self, what: &str) -> Result<()> {
        match self.rest.len() {
            0 => Ok(()),
            n => Err(self.fault(format!("{n} bytes follow the end of {what}"))),
        }
    }

    pub(crate) fn fault(&self, detail: impl Into<String>) -> Error {
        Error::format(self.op, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_past_the_end_are_errors_that_name_what_was_due() {
        let mut reader = Reader::new("test", &[7, 1, 0, 0, 0, b'a', 9]);
        assert_eq!((reader.u8("first").unwrap(), reader.text("name").unwrap()), (7, "a"));
        let error = reader.u64("length").unwrap_err().to_string();
        assert_eq!(error, "test: length takes 8 bytes and 1 are left");
        assert!(reader.end("value").unwrap_err().to_string().contains("1 bytes follow"));
    }

    #[test]
    fn counts_and_texts_are_bounded_by_what_is_there() {
        assert!(Reader::new("test", &[255, 255, 255, 255, 0]).count("parts", 5).is_err());
        assert!(Reader::new("test", &[255, 255, 255, 255, 0]).text("name").is_err());
        assert!(Reader::new("test", &[1, 0, 0, 0, 255]).text("name").unwrap_err().to_string().contains("not text"));
    }
}
