//! The header of an `.npy` file: parsed by `npyz`, behind checks of our own.
//!
//! ```text
//! 93 'NUMPY' | major minor | length of the text: 2 bytes, 4 from version 2 on |
//! {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }        \n | data
//! ```
//!
//! The parser behind `npyz` recurses, backtracks in exponential time over nested brackets, and multiplies lengths unchecked;
//! [`vet`] therefore lets only texts through that hold nothing but short lists of names and modest numbers.

use std::path::Path;

use npyz::{Endianness, NpyHeader, Order, TypeChar, TypeStr};

use super::super::file::ReadAt;
use super::super::raw::RawSpec;
use crate::element::DType;
use crate::error::{Error, Result};

pub(super) const OP: &str = "npy";

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// NumPy itself refuses headers above 10,000 bytes unless told otherwise.
const MAX_TEXT_BYTES: u32 = 64 << 10;
/// A plain header nests two deep, one of records four.
const MAX_DEPTH: usize = 4;
/// Brackets, commas and colons of a header.
const MAX_ITEMS: usize = 1000;
/// NumPy's own limit of axes.
const MAX_AXES: usize = 64;
/// The data of files that are written starts at a multiple of this, so that it can be mapped.
const ALIGN_BYTES: usize = 64;

/// Reads the header of a file: how its numbers lie.
pub(super) fn read(data: &dyn ReadAt) -> Result<RawSpec> {
    let path = data.path();
    let refuse = |detail: &str| Error::format(OP, format!("{}: {detail}", path.display()));
    let (text_start, text) = read_text(data)?;
    let text = vet(&text).map_err(|fault| refuse(&fault))?;
    let header = parse(&text).map_err(|fault| refuse(&fault))?;
    let offset_bytes = text_start + text_len(&text);
    let dtype = header.dtype();
    let npyz::DType::Plain(kind) = &dtype else {
        return Err(refuse("it holds records").with_remedy("save each field as an array of its own"));
    };
    if header.shape().len() > MAX_AXES {
        return Err(refuse(&format!("{} axes, at most {MAX_AXES} are read", header.shape().len())));
    }
    let spec = RawSpec::new(element_type(path, kind)?, header.shape()).with_offset_bytes(offset_bytes);
    let spec = if header.order() == Order::Fortran { spec.column_major() } else { spec };
    Ok(if kind.endianness() == Endianness::Big { spec.big_endian() } else { spec })
}

/// The text of the header, and where it starts.
fn read_text(data: &dyn ReadAt) -> Result<(u64, Vec<u8>)> {
    let path = data.path();
    let refuse = |detail: String| Error::format(OP, format!("{}: {detail}", path.display()));
    let read = |buffer: &mut [u8], offset: u64| {
        if data.len_bytes() < offset + buffer.len() as u64 {
            let need = offset + buffer.len() as u64;
            return Err(refuse(format!("the header needs {need} bytes and the file has {}", data.len_bytes())));
        }
        data.read_exact_at(buffer, offset).map_err(|error| Error::io(OP, path, error))
    };
    let mut start = [0; 8];
    read(&mut start, 0)?;
    if !start.starts_with(MAGIC) {
        return Err(refuse("it does not start like an .npy file".into()));
    }
    let (text_start, text_bytes) = match start[6..] {
        [1, 0] => {
            let mut len = [0; 2];
            read(&mut len, 8)?;
            (10, u32::from(u16::from_le_bytes(len)))
        }
        [2 | 3, 0] => {
            let mut len = [0; 4];
            read(&mut len, 8)?;
            (12, u32::from_le_bytes(len))
        }
        _ => return Err(refuse(format!("version {}.{} of the format is not known", start[6], start[7]))),
    };
    if text_bytes > MAX_TEXT_BYTES {
        return Err(refuse(format!("a header of {text_bytes} bytes, at most {MAX_TEXT_BYTES} are read")));
    }
    // The length is checked before memory is asked for.
    if data.len_bytes() < text_start + u64::from(text_bytes) {
        let len = data.len_bytes();
        return Err(refuse(format!("a header of {text_bytes} bytes does not fit a file of {len}")));
    }
    let mut text = vec![0; text_bytes as usize];
    read(&mut text, text_start)?;
    Ok((text_start, text))
}

/// A header's text that has been looked at, without what only old files have.
struct Vetted<'a> {
    original: &'a [u8],
    text: String,
}

fn text_len(text: &Vetted<'_>) -> u64 {
    text.original.len() as u64
}

/// Lets a text through that cannot hurt the parser.
fn vet(original: &[u8]) -> Result<Vetted<'_>, String> {
    let text = std::str::from_utf8(original).map_err(|_| "the header is not text".to_owned())?;
    let mut vetted = String::with_capacity(text.len());
    let mut rest = text.trim_end_matches(['\n', ' ', '\0']).chars().peekable();
    let (mut depth, mut product, mut n_items) = (0usize, 1u64, 0usize);
    while let Some(c) = rest.next() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.checked_sub(1).ok_or("brackets in the header do not match")?,
            '\'' | '"' => {
                vetted.push(c);
                copy_name(c, &mut rest, &mut vetted)?;
                continue;
            }
            '0'..='9' => {
                let digits: String =
                    std::iter::once(c).chain(std::iter::from_fn(|| rest.next_if(char::is_ascii_digit))).collect();
                product = checked_product(product, &digits)?;
                vetted.push_str(&digits);
                // Python 2 wrote long integers as `3L`.
                rest.next_if_eq(&'L');
                if rest.peek().is_some_and(|next| next.is_alphanumeric()) {
                    return Err("a number in the header is not a plain integer".into());
                }
                continue;
            }
            '-' => return Err("a length in the header is negative".into()),
            ' ' | '\t' | ',' | ':' | 'A'..='Z' | 'a'..='z' => {}
            other => return Err(format!("{other:?} in the header")),
        }
        if depth > MAX_DEPTH {
            return Err(format!("brackets in the header nest more than {MAX_DEPTH} deep"));
        }
        n_items += usize::from(!c.is_alphabetic() && c != ' ');
        if n_items > MAX_ITEMS {
            return Err(format!("more than {MAX_ITEMS} items in the header"));
        }
        vetted.push(c);
    }
    Ok(Vetted { original, text: vetted })
}

/// Copies the rest of a quoted name. Escapes are refused, and so are empty names, which could start a triple quote.
fn copy_name(
    quote: char,
    rest: &mut std::iter::Peekable<std::str::Chars<'_>>,
    vetted: &mut String,
) -> Result<(), String> {
    let mut len = 0;
    for c in rest.by_ref() {
        vetted.push(c);
        match c {
            _ if c == quote && len > 0 => return Ok(()),
            _ if c == quote => return Err("an empty name in the header".into()),
            '\\' | '\n' | '\r' => return Err("an escape or a line break in a name in the header".into()),
            _ => len += 1,
        }
    }
    Err("a name in the header does not end".into())
}

/// The product of all lengths so far; zeros do not excuse the others.
fn checked_product(product: u64, digits: &str) -> Result<u64, String> {
    let too_large = || "the lengths in the header multiply to 2^63 or more".to_owned();
    let number: u64 = digits.parse().map_err(|_| too_large())?;
    product.checked_mul(number.max(1)).filter(|&product| i64::try_from(product).is_ok()).ok_or_else(too_large)
}

fn parse(text: &Vetted<'_>) -> Result<NpyHeader, String> {
    let mut bytes = Vec::with_capacity(text.text.len() + 12);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&[3, 0]);
    bytes.extend_from_slice(&(text.text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.text.as_bytes());
    NpyHeader::from_reader(&bytes[..]).map_err(|error| {
        // The parser draws the whole line that it stumbled over.
        let message = error.to_string();
        let first = message.lines().next().unwrap_or_default();
        format!("the header is not understood: {}", first.chars().take(200).collect::<String>())
    })
}

fn element_type(path: &Path, kind: &TypeStr) -> Result<DType> {
    let letter = match kind.type_char() {
        TypeChar::Bool => return Ok(DType::Bool),
        TypeChar::Object => {
            return Err(Error::format(OP, format!("{}: it holds pickled Python objects", path.display()))
                .with_remedy("loading them would run code: convert the array to numbers in Python first"));
        }
        TypeChar::Int => 'i',
        TypeChar::Uint => 'u',
        TypeChar::Float => 'f',
        TypeChar::Complex => 'c',
        _ => '?',
    };
    format!("{letter}{}", kind.size_field()).parse().map_err(|_| {
        Error::format(OP, format!("{}: elements of type '{kind}' are not supported", path.display()))
            .with_remedy("convert the array in Python with `astype` first, for example to float64")
    })
}

/// The header of a row-major file in this machine's byte order.
pub(super) fn write(dtype: DType, shape: &[u64]) -> Vec<u8> {
    let order = match dtype.size_bytes() {
        1 => '|',
        _ if cfg!(target_endian = "big") => '>',
        _ => '<',
    };
    let kind = if dtype == DType::Bool { "b1" } else { dtype.short_name() };
    // Python writes a tuple of one with a comma.
    let comma = if shape.len() == 1 { "," } else { "" };
    let lens = shape.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let text = format!("{{'descr': '{order}{kind}', 'fortran_order': False, 'shape': ({lens}{comma}), }}");
    let bytes_before = MAGIC.len() + 4;
    let total = (bytes_before + text.len() + 1).next_multiple_of(ALIGN_BYTES);
    let mut header = Vec::with_capacity(total);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&[1, 0]);
    // At most 64 axes of 20 digits: far below 2^16.
    header.extend_from_slice(&((total - bytes_before) as u16).to_le_bytes());
    header.extend_from_slice(text.as_bytes());
    header.resize(total - 1, b' ');
    header.push(b'\n');
    header
}
