//! Einstein sums: products of several arrays, summed over the axes that the result does not name.
//!
//! ```text
//! "ij,jk->ik"   rows times columns            "ii->i"    the diagonal
//! "ij->ji"      the transposed array          "i,j->ij"  the outer product
//! "ij,jk"       as the first: labels that stand once, in alphabetical order
//! "...ij,jk"    the three dots stand for any number of axes in front
//! ```
//!
//! Repeated labels of one operand become diagonals, labels that nobody else has are summed at once, then operands are
//! multiplied in pairs, the pair with the fewest products first.

use super::contract::Pairing;
use super::coo::Coo;
use super::subscripts::{Label, Subscripts};
use crate::element::Element;
use crate::error::{Error, Result, Shown};

const OP: &str = "einsum";

impl<T: Element> Coo<T> {
    /// The sum of products that a formula describes, as NumPy's `einsum`: one letter per axis, operands separated by
    /// commas, `->` and the axes of the result. Without an arrow the result has the letters that stand once, in order.
    ///
    /// # Errors
    /// The formula does not fit the operands, or a fill is not zero where products are summed.
    ///
    /// # Complexity
    /// One [`tensordot`](Coo::tensordot) per operand but the first.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let a = Coo::new(&[[0, 0, 1], [0, 2, 2]], vec![1, 2, 3], [2, 3])?;
    /// let b = Coo::new(&[[0, 1, 2], [1, 0, 1]], vec![1, 2, 4], [3, 2])?;
    /// assert_eq!(Coo::einsum("ij,jk->ik", &[&a, &b])?, a.dot(&b)?);
    /// assert_eq!(Coo::einsum("ij->j", &[&a])?.to_dense()?, ndarray::arr1(&[1, 0, 5]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn einsum(formula: &str, operands: &[&Coo<T>]) -> Result<Coo<T>> {
        let ndims: Vec<usize> = operands.iter().map(|operand| operand.ndim()).collect();
        let formula = Subscripts::parse(formula, &ndims)?;
        check_lengths(&formula.operands, operands)?;
        let mut terms = Vec::with_capacity(operands.len());
        for (at, operand) in operands.iter().enumerate() {
            let others = formula.operands.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, labels)| labels);
            let needed: Vec<Label> = others.flatten().chain(&formula.result).copied().collect();
            let term = Term { array: (*operand).clone(), labels: formula.operands[at].clone() };
            terms.push(term.stretched_away(&formula)?.diagonals()?.summed_but(&needed)?);
        }
        while terms.len() > 1 {
            let (i, j) = cheapest_pair(&terms);
            // The second one stands behind the first.
            let (second, first) = (terms.remove(j), terms.remove(i));
            let needed: Vec<Label> =
                terms.iter().flat_map(|term| &term.labels).chain(&formula.result).copied().collect();
            terms.push(first.times(&second, &needed)?);
        }
        let Some(last) = terms.pop() else { return Err(Error::value(OP, "there are no operands")) };
        last.in_order(&formula.result)
    }
}

/// Checks that equal labels have equal lengths; axes behind three dots may also have length 1.
fn check_lengths(terms: &[Vec<Label>], operands: &[&Coo<impl Element>]) -> Result<()> {
    let mut seen: Vec<(Label, u64)> = Vec::new();
    for (labels, operand) in terms.iter().zip(operands) {
        for (&label, &len) in labels.iter().zip(operand.shape()) {
            if label.is_dots() && len == 1 {
                continue;
            }
            match seen.iter().find(|(known, _)| *known == label) {
                Some(&(_, other)) if other != len => {
                    let shapes: Vec<String> =
                        operands.iter().map(|operand| Shown(operand.shape()).to_string()).collect();
                    let detail = format!("{label} stands for lengths {other} and {len}");
                    return Err(Error::shape(OP, format!("{detail}; operands {}", shapes.join(", "))));
                }
                Some(_) => {}
                None => seen.push((label, len)),
            }
        }
    }
    Ok(())
}

/// An array with a label for every axis.
struct Term<T: Element> {
    array: Coo<T>,
    labels: Vec<Label>,
}

impl<T: Element> Term<T> {
    /// Without the axes behind three dots that are of length 1 here and longer elsewhere: they go with every element.
    fn stretched_away(self, formula: &Subscripts) -> Result<Self> {
        let elsewhere = |label: &Label| formula.operands.iter().filter(|labels| labels.contains(label)).count() > 1;
        let gone: Vec<usize> = (0..self.labels.len())
            .filter(|&axis| self.labels[axis].is_dots() && self.array.shape()[axis] == 1)
            .filter(|&axis| elsewhere(&self.labels[axis]))
            .collect();
        let axes: Vec<isize> = gone.iter().map(|&axis| axis as isize).collect();
        let labels = (0..self.labels.len()).filter(|axis| !gone.contains(axis)).map(|axis| self.labels[axis]).collect();
        Ok(Self { array: self.array.squeeze_axes(&axes)?, labels })
    }

    /// With every label once: axes that share one become a diagonal.
    fn diagonals(mut self) -> Result<Self> {
        let repeated = |labels: &[Label]| {
            (0..labels.len()).find_map(|i| (i + 1..labels.len()).find(|&j| labels[i] == labels[j]).map(|j| (i, j)))
        };
        while let Some((i, j)) = repeated(&self.labels) {
            self.array = self.array.diagonal(0, i as isize, j as isize)?;
            let label = self.labels.remove(j);
            self.labels.remove(i);
            self.labels.push(label);
        }
        Ok(self)
    }

    /// Summed over the labels that nobody needs.
    fn summed_but(self, needed: &[Label]) -> Result<Self> {
        let axes: Vec<isize> =
            (0isize..).zip(&self.labels).filter(|(_, label)| !needed.contains(label)).map(|(axis, _)| axis).collect();
        if axes.is_empty() {
            return Ok(self);
        }
        let labels = self.labels.iter().filter(|label| needed.contains(label)).copied().collect();
        Ok(Self { array: self.array.sum_in_type(&axes)?, labels })
    }

    /// The product, summed over the labels of both that nobody needs.
    fn times(&self, other: &Self, needed: &[Label]) -> Result<Self> {
        let shared: Vec<Label> = self.labels.iter().filter(|label| other.labels.contains(label)).copied().collect();
        let (batch, contracted): (Vec<Label>, Vec<Label>) = shared.iter().partition(|label| needed.contains(label));
        let places = |term: &Self, labels: &[Label]| -> Vec<usize> {
            labels.iter().filter_map(|label| term.labels.iter().position(|own| own == label)).collect()
        };
        let pairing = Pairing::batched(
            OP,
            (self.array.shape(), &places(self, &batch), &places(self, &contracted)),
            (other.array.shape(), &places(other, &batch), &places(other, &contracted)),
        )?;
        let free =
            |term: &Self| term.labels.iter().filter(|label| !shared.contains(label)).copied().collect::<Vec<_>>();
        Ok(Self {
            array: self.array.contract(&other.array, &pairing)?,
            labels: [batch, free(self), free(other)].concat(),
        })
    }

    fn in_order(self, output: &[Label]) -> Result<Coo<T>> {
        // Every label of the result is one of the last term, and no other is left there.
        let order: Vec<isize> = output
            .iter()
            .filter_map(|label| self.labels.iter().position(|own| own == label))
            .map(|axis| axis as isize)
            .collect();
        self.array.transpose(&order)
    }
}

/// The pair of terms with the fewest expected products.
fn cheapest_pair<T: Element>(terms: &[Term<T>]) -> (usize, usize) {
    let cost = |i: usize, j: usize| {
        let shared =
            terms[i].labels.iter().zip(terms[i].array.shape()).filter(|(label, _)| terms[j].labels.contains(label));
        let n_meetings: f64 = shared.map(|(_, &len)| len.max(1) as f64).product();
        terms[i].array.nnz() as f64 * terms[j].array.nnz() as f64 / n_meetings
    };
    let pairs = (0..terms.len()).flat_map(|i| (i + 1..terms.len()).map(move |j| (i, j)));
    pairs.min_by(|&(a, b), &(c, d)| cost(a, b).total_cmp(&cost(c, d))).unwrap_or((0, 1))
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;
    use proptest::prelude::*;

    use super::*;
    use crate::sparse::testing::dense_with_fill;

    /// The sum over all index tuples.
    fn dense_einsum(inputs: &[&str], output: &str, operands: &[ArrayD<i64>], len: usize) -> ArrayD<i64> {
        let mut labels: Vec<char> = inputs.concat().chars().collect();
        labels.sort_unstable();
        labels.dedup();
        let mut out = ArrayD::zeros(vec![len; output.len()]);
        for at in ndarray::indices(vec![len; labels.len()]) {
            let index = |names: &str| -> Vec<usize> {
                names.chars().map(|c| at[labels.iter().position(|&l| l == c).unwrap()]).collect()
            };
            let product: i64 = inputs.iter().zip(operands).map(|(names, a)| a[index(names).as_slice()]).product();
            out[index(output).as_slice()] += product;
        }
        out
    }

    proptest! {
        #[test]
        fn sums_are_those_over_all_indices(
            names in prop::collection::vec("[a-d]{0,3}", 1..4), picks in any::<[bool; 4]>(), order in any::<u64>(), len in 1usize..4,
            raw in prop::collection::vec(any::<i8>(), 3 * 27),
        ) {
            let mut output: Vec<char> = "abcd".chars().filter(|c| names.iter().any(|n| n.contains(*c))).collect();
            output.retain(|c| picks[(*c as u8 - b'a') as usize]);
            let by = order as usize % output.len().max(1);
            output.rotate_left(by);
            let output: String = output.into_iter().collect();
            let mut raw = raw.into_iter().map(|x| if x % 2 == 0 { 0 } else { i64::from(x % 5) });
            let dense: Vec<ArrayD<i64>> =
                names.iter().map(|n| ArrayD::from_shape_simple_fn(vec![len; n.len()], || raw.next().unwrap())).collect();
            let sparse: Vec<Coo<i64>> = dense.iter().map(|a| Coo::from_dense(&a.view()).unwrap()).collect();
            let formula = format!("{}->{output}", names.join(","));
            let found = Coo::einsum(&formula, &sparse.iter().collect::<Vec<_>>()).unwrap();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            prop_assert_eq!(found.to_dense().unwrap(), dense_einsum(&names, &output, &dense, len), "{}", formula);
        }

        #[test]
        fn dots_stand_for_axes_in_front(a in dense_with_fill(vec![2, 3, 4], 0i64), b in dense_with_fill(vec![1, 4, 2], 0i64)) {
            let (x, y) = (Coo::from_dense(&a.view()).unwrap(), Coo::from_dense(&b.view()).unwrap());
            let product = x.matmul(&y).unwrap();
            prop_assert_eq!(&Coo::einsum("...ij,...jk->...ik", &[&x, &y]).unwrap(), &product);
            prop_assert_eq!(&Coo::einsum("...ij,...jk", &[&x, &y]).unwrap(), &product);
            prop_assert_eq!(Coo::einsum("i...->...i", &[&x]).unwrap(), x.move_axes(&[0], &[-1]).unwrap());
            prop_assert_eq!(Coo::einsum("ba...", &[&x]).unwrap(), Coo::einsum("ba...->...ab", &[&x]).unwrap());
        }
    }

    #[test]
    fn formulas_are_checked() {
        let a = Coo::<i64>::zeros([2, 3]).unwrap();
        for bad in ["ijk", "i", "ij,jk", "ij->k", "ij->ii", "i1", "ii", ""] {
            assert!(Coo::einsum(bad, &[&a]).is_err(), "{bad}");
        }
        assert!(Coo::<i64>::einsum("", &[]).is_err());
        assert!(Coo::einsum("ij,ij", &[&a, &Coo::zeros([3, 2]).unwrap()]).unwrap_err().is_shape());
        assert!(Coo::einsum("ij,ij", &[&a, &Coo::ones([2, 3]).unwrap()]).unwrap_err().to_string().contains("fill"));
        assert_eq!(Coo::einsum("i j -> j i", &[&a]).unwrap().shape(), [3, 2]);
    }
}
