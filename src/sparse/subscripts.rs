//! The subscripts of Einstein sums, of dense and of sparse arrays: names of axes, read and held against the operands.
//!
//! ```text
//! "...ij,jk->...ik"    one term for each operand, one letter for each axis; `...` stands for the axes that are left
//! ```

use std::cmp::Reverse;
use std::fmt;

use crate::error::{Error, Result};

/// The name of an axis: a letter, or a place among those that the three dots stand for, counted from the last. Ordered as
/// in results that are not spelt out: the axes behind the dots as they come, then letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Label {
    Dots(Reverse<usize>),
    Letter(char),
}

impl Label {
    pub(crate) fn is_dots(&self) -> bool {
        matches!(self, Label::Dots(_))
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Label::Dots(_) => f.write_str("an axis of `...`"),
            Label::Letter(letter) => write!(f, "`{letter}`"),
        }
    }
}

/// The terms of an expression, with one label for each axis of every operand and of the result.
pub(crate) struct Subscripts {
    pub(crate) operands: Vec<Vec<Label>>,
    pub(crate) result: Vec<Label>,
}

impl Subscripts {
    /// # Errors
    /// The text has other terms than there are operands, a term does not fit the axes of its operand, or the result names an
    /// axis twice or one that no operand has.
    pub(crate) fn parse(text: &str, ndims: &[usize]) -> Result<Self> {
        let words: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let (operands, result) = match words.split_once("->") {
            Some((operands, result)) => (operands, Some(result)),
            None => (words.as_str(), None),
        };
        let terms: Vec<&str> = operands.split(',').collect();
        if terms.len() != ndims.len() {
            return Err(unusable(format!("{text:?} has {} terms for {} arrays", terms.len(), ndims.len())));
        }
        let operands = terms.iter().zip(ndims).map(|(term, &ndim)| operand_labels(term, ndim));
        let operands = operands.collect::<Result<Vec<_>>>()?;
        let result = match result {
            Some(term) => labels(term, n_dots(&operands))?,
            None => implicit_result(&operands),
        };
        for (i, label) in result.iter().enumerate() {
            if result[..i].contains(label) {
                return Err(unusable(format!("an axis of the result of {text:?} is named twice")));
            }
            if !operands.iter().any(|operand| operand.contains(label)) {
                return Err(unusable(format!("an axis of the result of {text:?} is in no term")));
            }
        }
        Ok(Self { operands, result })
    }

    /// Whether axes behind three dots are missing in the result.
    pub(crate) fn sums_over_dots(&self) -> bool {
        self.result.iter().filter(|label| label.is_dots()).count() != n_dots(&self.operands)
    }
}

/// An error of the subscripts, with how they are written.
pub(crate) fn unusable(detail: impl Into<String>) -> Error {
    Error::value("einsum", detail).with_remedy("write subscripts like \"ij,jk->ik\", one term for each array")
}

/// The number of axes that the three dots stand for.
fn n_dots(operands: &[Vec<Label>]) -> usize {
    operands.iter().map(|labels| labels.iter().filter(|label| label.is_dots()).count()).max().unwrap_or(0)
}

/// The axes behind three dots, then the letters that stand once, in order.
fn implicit_result(operands: &[Vec<Label>]) -> Vec<Label> {
    let all: Vec<Label> = operands.iter().flatten().copied().collect();
    let stays = |label: &Label| label.is_dots() || all.iter().filter(|&other| other == label).count() == 1;
    let mut result: Vec<Label> = all.iter().filter(|label| stays(label)).copied().collect();
    result.sort_unstable();
    result.dedup();
    result
}

/// The labels of a term for an operand of `ndim` axes.
fn operand_labels(term: &str, ndim: usize) -> Result<Vec<Label>> {
    if let Some(c) = term.replacen("...", "", 1).chars().find(|c| !c.is_alphabetic()) {
        return Err(unexpected(term, c));
    }
    let n_letters = term.chars().filter(|c| c.is_alphabetic()).count();
    let has_dots = term.contains("...");
    if n_letters > ndim || (!has_dots && n_letters != ndim) {
        return Err(unusable(format!("the term {term:?} names {n_letters} axes of an array with {ndim}")));
    }
    labels(term, ndim - n_letters)
}

/// The labels of a term whose three dots, if it has them, stand for `n_dots` axes.
fn labels(term: &str, n_dots: usize) -> Result<Vec<Label>> {
    let (before, after) = term.split_once("...").unwrap_or((term, ""));
    let letters = |part: &str| -> Result<Vec<Label>> {
        let letter = |c: char| if c.is_alphabetic() { Ok(Label::Letter(c)) } else { Err(unexpected(term, c)) };
        part.chars().map(letter).collect()
    };
    let dots = if term.contains("...") { n_dots } else { 0 };
    let dots = (0..dots).rev().map(|place| Label::Dots(Reverse(place)));
    Ok(letters(before)?.into_iter().chain(dots).chain(letters(after)?).collect())
}

fn unexpected(term: &str, c: char) -> Error {
    unusable(format!("{c:?} in the term {term:?} is no letter"))
}
