//! Broadcasting: stretching axes of length 1, and elementwise work on operands of different shapes.
//!
//! A stretched entry stands for a whole line of elements. It is copied along the line only where the result can differ
//! from the fill there; a product with a stretched operand touches the entries of the other operand alone:
//!
//! ```text
//! (1, 4) row stretched over (1000000, 4): row[c] * a[r, c] is looked at where a has an entry, not a million times
//! ```

use std::cmp::Ordering;
use std::ops::Range;

use super::align::{Pruned, Side, merge_with};
use super::coo::Coo;
use super::keys::{Key, Keys, Width, n_elems, with_keys, with_width};
use super::remap::{Remap, c_strides};
use super::sort::sort_entries;
use crate::element::Element;
use crate::element::alloc::{filled, reserved};
use crate::error::{Error, Result, Shown};

/// Results of up to this many elements are looked up in a table whatever the number of entries.
const TABLE_MIN_ELEMS: u128 = 1 << 16;

impl<T: Element> Coo<T> {
    /// The array with axes of length 1 stretched, and new axes in front, to give `shape`.
    ///
    /// # Errors
    /// The shapes do not fit, or the copies of the entries do not fit in memory.
    ///
    /// # Complexity
    /// Every entry is copied along the stretched axes.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let row = Coo::new(&[[1]], vec![5], [3])?;
    /// assert_eq!(row.broadcast_to([2, 3])?.to_dense()?, ndarray::arr2(&[[0, 5, 0], [0, 5, 0]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn broadcast_to(&self, shape: impl AsRef<[u64]>) -> Result<Coo<T>> {
        let to = shape.as_ref();
        if to == self.shape() {
            return Ok(self.clone());
        }
        if broadcast_shapes("broadcast_to", self.shape(), to)? != to {
            return Err(Error::broadcast("broadcast_to", &Shown(self.shape()), &Shown(to)));
        }
        let n_elems = n_elems("broadcast_to", to)?;
        with_width!(Width::of(n_elems), K => {
            let (keys, values) = Stretch::new(self.shape(), to).expand::<K, T>("broadcast_to", self)?;
            Ok(Coo::from_sorted(to.into(), keys, values, self.fill(), n_elems))
        })
    }

    /// `f` of the elements of two arrays of broadcastable shapes.
    ///
    /// The fill of the result is `f` of the fills, and entries that equal it are dropped.
    ///
    /// # Errors
    /// The shapes do not broadcast, or the result does not fit in memory.
    ///
    /// # Complexity
    /// Operands of one shape are merged. A stretched operand is copied along its stretched axes only if `f` of its
    /// entries and the other operand's fill is not the fill of the result; else the other operand's entries decide.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::sparse::Coo;
    /// let column = Coo::new(&[[1], [0]], vec![10], [2, 1])?;
    /// let row = Coo::new(&[[0, 2]], vec![1, 2], [3])?;
    /// let product = column.zip_broadcast(&row, |a, b| a * b)?;
    /// assert_eq!(product.to_dense()?, ndarray::arr2(&[[0, 0, 0], [10, 0, 20]]).into_dyn());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn zip_broadcast<U: Element, V: Element>(
        &self,
        other: &Coo<U>,
        f: impl Fn(T, U) -> V + Sync,
    ) -> Result<Coo<V>> {
        const OP: &str = "zip_broadcast";
        if self.shape() == other.shape() {
            return self.zip_with(other, f);
        }
        let to = broadcast_shapes(OP, self.shape(), other.shape())?;
        let n_elems = n_elems(OP, &to)?;
        let fill = f(self.fill(), other.fill());
        with_width!(Width::of(n_elems), K => {
            let pair = Pair { a: self, b: other, in_a: Stretch::new(self.shape(), &to), in_b: Stretch::new(other.shape(), &to) };
            let (keys, values) = pair.zip::<K, V>(OP, fill, f)?;
            Ok(Coo::from_sorted(to.into(), keys, values, fill, n_elems))
        })
    }
}

/// The shape that two shapes broadcast to.
pub(crate) fn broadcast_shapes(op: &'static str, a: &[u64], b: &[u64]) -> Result<Vec<u64>> {
    let ndim = a.len().max(b.len());
    let length = |shape: &[u64], axis: usize| (axis + shape.len()).checked_sub(ndim).map_or(1, |axis| shape[axis]);
    (0..ndim)
        .map(|axis| match (length(a, axis), length(b, axis)) {
            (x, y) if x == y || y == 1 => Ok(x),
            (1, y) => Ok(y),
            _ => Err(Error::broadcast(op, &Shown(a), &Shown(b))),
        })
        .collect()
}

/// How an operand lies in the shape it is stretched to.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    /// The operand's lengths in the axes of the result: 1 where it is stretched.
    from: Vec<u64>,
    to: Vec<u64>,
}

impl Stretch {
    pub(crate) fn new(shape: &[u64], to: &[u64]) -> Self {
        let mut from = vec![1; to.len() - shape.len()];
        from.extend_from_slice(shape);
        Self { from, to: to.to_vec() }
    }

    fn is_stretched(&self, axis: usize) -> bool {
        self.from[axis] != self.to[axis]
    }

    /// The number of elements that every element of the operand stands for.
    pub(crate) fn n_copies(&self) -> u128 {
        (0..self.to.len()).filter(|&axis| self.is_stretched(axis)).map(|axis| self.to[axis] as u128).product()
    }

    /// The positions of the entries in the stretched operand.
    pub(crate) fn positions<T: Element>(&self, op: &'static str, coo: &Coo<T>) -> Result<Keys> {
        if self.is_identity() && coo.shape() == self.to {
            return Ok(coo.keys().clone());
        }
        let width = Width::of(n_elems(op, &self.to)?);
        // The values are left behind: what stands for an entry is its place among them.
        with_width!(width, K => Ok(K::wrap(self.expand::<K, T>(op, coo)?.0)))
    }

    /// The elements of the stretched operand at some positions.
    pub(crate) fn values_at<T: Element>(&self, coo: &Coo<T>, positions: &Keys) -> Result<Vec<T>> {
        with_width!(positions.width(), K => {
            let positions = K::view(positions);
            if self.is_identity() {
                return Ok(pick(&K::view(coo.keys()), coo.values(), &positions, coo.fill()));
            }
            look_up(coo, &self.projection::<K>().apply(&positions))
        })
    }

    /// The elements of a stretched dense operand, given in C order, at some positions.
    pub(crate) fn dense_values_at<T: Element>(&self, elements: &[T], positions: &Keys) -> Vec<T> {
        with_width!(positions.width(), K => {
            let from = self.projection::<K>().apply(&K::view(positions));
            from.iter().map(|at| elements[at.to_usize_lossy()]).collect()
        })
    }

    pub(crate) fn is_identity(&self) -> bool {
        self.from == self.to
    }

    /// Strides with those that `is_kept` refuses set to zero.
    fn strides(shape: &[u64], is_kept: impl Fn(usize) -> bool) -> Vec<u128> {
        let mut strides = c_strides(shape);
        for (axis, stride) in strides.iter_mut().enumerate() {
            if !is_kept(axis) {
                *stride = 0;
            }
        }
        strides
    }

    /// The map from positions in the result to positions in the operand.
    fn projection<K: Key>(&self) -> Remap<K> {
        Remap::new(&self.to, &Self::strides(&self.from, |axis| !self.is_stretched(axis)))
    }

    /// The distances between an entry's copies and its first one, ascending.
    fn offsets<K: Key>(&self, op: &'static str) -> Result<Vec<K>> {
        let strides = c_strides(&self.to);
        let stretched: Vec<usize> = (0..self.to.len()).filter(|&axis| self.is_stretched(axis)).collect();
        let n_copies = stretched.iter().map(|&axis| self.to[axis] as u128).product();
        let mut offsets = reserved(op, n_copies)?;
        offsets.push(K::zero());
        for &axis in stretched.iter().rev() {
            let n = offsets.len();
            for coord in 1..self.to[axis] {
                let step = K::truncate(strides[axis] * coord as u128);
                offsets.extend_from_within(..n);
                offsets[n * coord as usize..].iter_mut().for_each(|offset| *offset = *offset + step);
            }
        }
        Ok(offsets)
    }

    /// The entries of the stretched operand.
    fn expand<K: Key, T: Element>(&self, op: &'static str, coo: &Coo<T>) -> Result<(Vec<K>, Vec<T>)> {
        if self.to.contains(&0) || coo.nnz() == 0 {
            return Ok((Vec::new(), Vec::new()));
        }
        let bases = Remap::<K>::new(&self.from, &c_strides(&self.to)).apply(&K::view(coo.keys()));
        if self.is_identity() {
            return Ok((bases, coo.values().to_vec()));
        }
        let offsets = self.offsets::<K>(op)?;
        let n_entries = bases.len() as u128 * offsets.len() as u128;
        let (mut keys, mut values) = (reserved(op, n_entries)?, reserved(op, n_entries)?);
        let first_stretched = (0..self.to.len()).find(|&axis| self.is_stretched(axis));
        let first_kept = (0..self.to.len()).find(|&axis| self.from[axis] != 1);
        if first_stretched < first_kept {
            for &offset in &offsets {
                keys.extend(bases.iter().map(|&base| base + offset));
                values.extend_from_slice(coo.values());
            }
        } else {
            for (&base, &value) in bases.iter().zip(coo.values()) {
                keys.extend(offsets.iter().map(|&offset| base + offset));
                values.resize(values.len() + offsets.len(), value);
            }
        }
        // In order already when all stretched axes stand on one side of the others.
        sort_entries(&mut keys, &mut values, n_elems(op, &self.to)?.saturating_sub(1));
        Ok((keys, values))
    }
}

/// Two operands and how they are stretched.
struct Pair<'a, T: Element, U: Element> {
    a: &'a Coo<T>,
    b: &'a Coo<U>,
    in_a: Stretch,
    in_b: Stretch,
}

impl<T: Element, U: Element> Pair<'_, T, U> {
    /// The entries of `f` of both, where they differ from `fill`.
    ///
    /// An operand is *inert* if its entries, meeting the other's fill, give the fill of the result: then only the
    /// other's entries can make entries. The entries themselves are asked, as an infinity times a fill of zero is NaN.
    fn zip<K: Key, V: Element>(
        &self,
        op: &'static str,
        fill: V,
        f: impl Fn(T, U) -> V + Sync,
    ) -> Result<(Vec<K>, Vec<V>)> {
        let a_is_inert = self.a.values().iter().all(|&value| f(value, self.b.fill()).is_same(fill));
        let b_is_inert = self.b.values().iter().all(|&value| f(self.a.fill(), value).is_same(fill));
        if a_is_inert && b_is_inert && !self.in_a.is_identity() && !self.in_b.is_identity() {
            return self.join(op, fill, f);
        }
        if b_is_inert && (!a_is_inert || self.in_a.is_identity()) {
            let (keys, values) = self.in_a.expand::<K, T>(op, self.a)?;
            let others = look_up(self.b, &self.in_b.projection::<K>().apply(&keys))?;
            return Ok(put(keys.as_slice(), fill, |i| f(values[i], others[i])));
        }
        if a_is_inert {
            let (keys, values) = self.in_b.expand::<K, U>(op, self.b)?;
            let others = look_up(self.a, &self.in_a.projection::<K>().apply(&keys))?;
            return Ok(put(keys.as_slice(), fill, |i| f(others[i], values[i])));
        }
        let (a_keys, a_values) = self.in_a.expand::<K, T>(op, self.a)?;
        let (b_keys, b_values) = self.in_b.expand::<K, U>(op, self.b)?;
        let a = Side { keys: &a_keys, values: &a_values, fill: self.a.fill() };
        Ok(merge_with(a, Side { keys: &b_keys, values: &b_values, fill: self.b.fill() }, f))
    }

    /// Pairs the entries that agree on the axes that neither operand stretches.
    fn join<K: Key, V: Element>(
        &self,
        op: &'static str,
        fill: V,
        f: impl Fn(T, U) -> V + Sync,
    ) -> Result<(Vec<K>, Vec<V>)> {
        let to = &self.in_a.to;
        let is_common = |axis: usize| !self.in_a.is_stretched(axis) && !self.in_b.is_stretched(axis);
        let common = Stretch::strides(to, is_common);
        let others = Stretch::strides(to, |axis| !is_common(axis));
        let a = Grouped::<K>::new(&K::view(self.a.keys()), &self.in_a.from, &common, &others);
        let b = Grouped::<K>::new(&K::view(self.b.keys()), &self.in_b.from, &common, &others);
        let runs = common_runs(&a.groups, &b.groups);
        let n_pairs = runs.iter().map(|(x, y)| x.len() as u128 * y.len() as u128).sum();
        let (mut keys, mut values) = (reserved(op, n_pairs)?, reserved(op, n_pairs)?);
        for (run_a, run_b) in runs {
            for i in run_a {
                for j in run_b.clone() {
                    let value = f(self.a.values()[a.entries[i]], self.b.values()[b.entries[j]]);
                    if !value.is_same(fill) {
                        keys.push(a.groups[i] + a.rests[a.entries[i]] + b.rests[b.entries[j]]);
                        values.push(value);
                    }
                }
            }
        }
        sort_entries(&mut keys, &mut values, n_elems(op, to)?.saturating_sub(1));
        Ok((keys, values))
    }
}

/// Entries ordered by the part of their position that both operands have.
struct Grouped<K> {
    /// The common part of the positions, ascending.
    groups: Vec<K>,
    /// The entry behind each element of `groups`.
    entries: Vec<usize>,
    /// The other part of each entry's position in the result.
    rests: Vec<K>,
}

impl<K: Key> Grouped<K> {
    fn new(keys: &[K], shape: &[u64], common: &[u128], others: &[u128]) -> Self {
        let mut groups = Remap::new(shape, common).apply(keys);
        let mut entries = (0..keys.len()).collect();
        let max_group = groups.iter().max().map_or(0, |group| group.widen());
        sort_entries(&mut groups, &mut entries, max_group);
        Self { groups, entries, rests: Remap::new(shape, others).apply(keys) }
    }
}

/// The runs of equal elements that two ascending lists share.
fn common_runs<K: Key>(a: &[K], b: &[K]) -> Vec<(Range<usize>, Range<usize>)> {
    let run_end = |list: &[K], start: usize| start + list[start..].iter().take_while(|&&x| x == list[start]).count();
    let (mut i, mut j, mut runs) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            Ordering::Less => i += 1,
            Ordering::Greater => j += 1,
            Ordering::Equal => {
                let (end_a, end_b) = (run_end(a, i), run_end(b, j));
                runs.push((i..end_a, j..end_b));
                (i, j) = (end_a, end_b);
            }
        }
    }
    runs
}

/// The elements at ascending positions of an array with these entries.
fn pick<K: Key, T: Element>(keys: &[K], values: &[T], positions: &[K], fill: T) -> Vec<T> {
    // Far fewer positions than entries are searched for one by one.
    if positions.len() < keys.len() / 32 {
        return positions.iter().map(|p| keys.binary_search(p).map_or(fill, |at| values[at])).collect();
    }
    let mut at = 0;
    let mut picked = Vec::with_capacity(positions.len());
    for &position in positions {
        while at < keys.len() && keys[at] < position {
            at += 1;
        }
        picked.push(if at < keys.len() && keys[at] == position { values[at] } else { fill });
    }
    picked
}

/// The elements of an array at some positions, in their order.
fn look_up<K: Key, T: Element>(coo: &Coo<T>, positions: &[K]) -> Result<Vec<T>> {
    if coo.size() <= TABLE_MIN_ELEMS.max(4 * positions.len() as u128) {
        let mut table = filled("zip_broadcast", coo.size(), coo.fill())?;
        with_keys!(coo.keys(), keys => {
            for (key, &value) in keys.iter().zip(coo.values()) {
                table[key.to_usize_lossy()] = value;
            }
        });
        return Ok(positions.iter().map(|position| table[position.to_usize_lossy()]).collect());
    }
    let keys = K::view(coo.keys());
    let find = |position: &K| keys.binary_search(position).map_or(coo.fill(), |at| coo.values()[at]);
    Ok(positions.iter().map(find).collect())
}

/// The entries at ascending keys with the value that each index gives, without those that equal `fill`.
fn put<K: Key, V: Element>(keys: &[K], fill: V, value: impl Fn(usize) -> V) -> (Vec<K>, Vec<V>) {
    let mut pruned = Pruned::new(fill);
    pruned.put_run(keys, value);
    pruned.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sparse::testing::{Drawn, dense_with_fill, same, shapes};

    /// Two arrays whose shapes broadcast: some axes of a common shape cut to 1, some leading ones dropped.
    fn pairs<T: Drawn>(fills: [T; 2]) -> impl Strategy<Value = (ndarray::ArrayD<T>, ndarray::ArrayD<T>)> {
        let cuts = || prop::collection::vec(prop::bool::weighted(0.4), 4);
        (shapes(), cuts(), cuts(), 0..3usize, prop::bool::ANY).prop_flat_map(
            move |(shape, cut_a, cut_b, drop, swap)| {
                let cut =
                    |cuts: &[bool]| shape.iter().zip(cuts).map(|(&len, &cut)| if cut { 1 } else { len }).collect();
                let (a, mut b): (Vec<usize>, Vec<usize>) = (cut(&cut_a), cut(&cut_b));
                b.drain(..drop.min(b.len()));
                let (a, b) = if swap { (b, a) } else { (a, b) };
                (dense_with_fill(a, fills[0]), dense_with_fill(b, fills[1]))
            },
        )
    }

    fn check<T: Drawn>(a: &ndarray::ArrayD<T>, b: &ndarray::ArrayD<T>, fills: [T; 2], f: fn(T, T) -> T) {
        let to = broadcast_shapes("test", &shape_of(a), &shape_of(b)).unwrap();
        let to: Vec<usize> = to.into_iter().map(|len| len as usize).collect();
        let mut expected = a.broadcast(to.as_slice()).unwrap().to_owned();
        expected.zip_mut_with(&b.broadcast(to.as_slice()).unwrap(), |x, &y| *x = f(*x, y));
        let sparse_a = Coo::from_dense_with_fill(&a.view(), fills[0]).unwrap();
        let sparse_b = Coo::from_dense_with_fill(&b.view(), fills[1]).unwrap();
        let found = sparse_a.zip_broadcast(&sparse_b, f).unwrap();
        assert!(same(&found.to_dense().unwrap(), &expected), "{a} {b} {found:?}");
        assert!(found.fill().is_same(f(fills[0], fills[1])));
        assert_eq!(found, found.prune());
        assert!(found.keys().is_canonical(found.size()));
        let stretched = sparse_a.broadcast_to(shape_of(&expected)).unwrap();
        assert!(same(&stretched.to_dense().unwrap(), &a.broadcast(to.as_slice()).unwrap().to_owned()));
    }

    fn shape_of<T>(a: &ndarray::ArrayD<T>) -> Vec<u64> {
        a.shape().iter().map(|&len| len as u64).collect()
    }

    proptest! {
        #[test]
        fn products_and_sums_broadcast_like_dense_ones((a, b) in pairs([0i64, 0])) {
            check(&a, &b, [0, 0], |x, y| x * y);
            check(&a, &b, [0, 0], |x, y| x + y);
            check(&a, &b, [0, 0], |x, y| x - 2 * y + 1);
        }

        #[test]
        fn fills_take_part((a, b) in pairs([2i64, -1])) {
            check(&a, &b, [2, -1], |x, y| x * y);
            check(&a, &b, [2, -1], i64::max);
        }

        #[test]
        fn infinities_meet_fills((a, b) in pairs([0.0, 0.0])) {
            check(&a, &b, [0.0, 0.0], |x, y| x * y);
        }

        #[test]
        fn truth_broadcasts((a, b) in pairs([false, true])) {
            check(&a, &b, [false, true], |x, y| x & y);
        }
    }

    #[test]
    fn a_stretched_factor_is_not_copied() {
        let n = 1u64 << 40;
        let a = Coo::new(&[[5, n - 1], [0, 2]], vec![2.0, 3.0], [n, 3]).unwrap();
        let row = Coo::new(&[[0, 1, 2]], vec![10.0, 20.0, 30.0], [3]).unwrap();
        let product = a.zip_broadcast(&row, |x, y| x * y).unwrap();
        assert_eq!(product.values(), [20.0, 90.0]);
        assert!(a.zip_broadcast(&row, |x, y| x + y).unwrap_err().is_memory());
        let column = Coo::new(&[[7], [0]], vec![1.0], [n, 1]).unwrap();
        let wide = Coo::new(&[[n - 1]], vec![4.0], [n]).unwrap();
        let outer = column.zip_broadcast(&wide, |x, y| x * y).unwrap();
        assert_eq!(outer.coords(), ndarray::arr2(&[[7], [n - 1]]));
    }

    #[test]
    fn shapes_that_do_not_fit_are_errors() {
        let (a, b) = (Coo::empty([3, 4], 0).unwrap(), Coo::empty([3], 0).unwrap());
        assert!(a.zip_broadcast(&b, |x, y| x + y).unwrap_err().is_shape());
        assert!(a.broadcast_to([4]).unwrap_err().is_shape());
        assert!(a.broadcast_to([2, 3, 5]).unwrap_err().is_shape());
    }
}
