//! How sparse arrays print.

use std::fmt;

use super::coo::Coo;
use crate::element::Element;
use crate::error::Shown;

/// Entries shown at each end of a long array.
const EDGE_ENTRIES: usize = 8;

/// One line of what it is, then one line per entry; long arrays show their first and last entries.
///
/// ```
/// use hyperslab::sparse::Coo;
/// let a = Coo::new(&[[0, 1], [2, 0]], vec![5, -6], [2, 3])?;
/// assert_eq!(a.to_string(), "Coo<i32> (2, 3) nnz 2 fill 0, density 0.33\n(0, 2)  5\n(1, 0)  -6");
/// # Ok::<(), hyperslab::Error>(())
/// ```
impl<T: Element> fmt::Display for Coo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")?;
        let n_first = if self.nnz() > 2 * EDGE_ENTRIES { EDGE_ENTRIES } else { self.nnz() };
        for (coords, value) in self.iter().take(n_first) {
            write!(f, "\n{}  {value}", Shown(&coords))?;
        }
        if n_first == self.nnz() {
            return Ok(());
        }
        f.write_str("\n…")?;
        for (coords, value) in self.iter().skip(self.nnz() - EDGE_ENTRIES) {
            write!(f, "\n{}  {value}", Shown(&coords))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_arrays_show_their_ends() {
        let a = Coo::new(&[(0..100).collect::<Vec<u64>>()], (0..100).collect(), [1000]).unwrap();
        let text = a.to_string();
        assert_eq!(text.lines().count(), 1 + 2 * EDGE_ENTRIES + 1);
        assert!(text.contains("\n(7)  7\n…\n(92)  92\n"));
        assert_eq!(Coo::empty([2], 1.5).unwrap().to_string(), "Coo<f64> (2) nnz 0 fill 1.5, density 0.00");
    }
}
