//! Index expressions: random ones, and what NumPy selects with them, position by position.

use hyperslab::prelude::*;
use ndarray::{ArrayD, IxDyn};

use super::eager::{reshaped, slice_positions};
use super::numbers::Bits;

/// One axis of a selection.
enum Shown {
    /// Positions along an axis of the array.
    Axis(usize, Vec<usize>),
    /// A new axis.
    New,
    /// The points that lists name together.
    Points,
}

/// What an index expression selects of an array.
pub(crate) struct Selection {
    shown: Vec<Shown>,
    /// For each axis of the array that lists name, the positions of the points.
    points: Vec<(usize, Vec<usize>)>,
    n_points: usize,
}

/// The true positions of a mask, one list for each of its axes.
fn nonzero(mask: &ArrayD<bool>) -> Vec<Vec<i64>> {
    let mut lists = vec![Vec::new(); mask.ndim()];
    for (at, _) in mask.indexed_iter().filter(|&(_, &is_true)| is_true) {
        lists.iter_mut().enumerate().for_each(|(axis, list)| list.push(at[axis] as i64));
    }
    lists
}

impl Selection {
    /// NumPy's meaning of index items; they fit the shape.
    pub(crate) fn new(items: &[Index], shape: &[usize]) -> Self {
        let items: Vec<Index> = items
            .iter()
            .flat_map(|item| match item {
                Index::Mask(mask) => nonzero(mask).into_iter().map(Index::List).collect(),
                item => vec![item.clone()],
            })
            .collect();
        let has_lists = items.iter().any(|item| matches!(item, Index::List(_)));
        let is_advanced = |item: &Index| matches!(item, Index::List(_)) || has_lists && matches!(item, Index::At(_));
        let n_named = items.iter().filter(|item| !matches!(item, Index::NewAxis | Index::Ellipsis)).count();
        let mut selection = Self { shown: Vec::new(), points: Vec::new(), n_points: 1 };
        let mut axis = 0;
        let mut places: Vec<usize> = Vec::new();
        let mut last_advanced = None;
        let mut is_apart = false;
        for (number, item) in items.iter().enumerate() {
            if is_advanced(item) {
                is_apart |= last_advanced.is_some_and(|last| last + 1 != number);
                last_advanced = Some(number);
                places.push(selection.shown.len());
            }
            match item {
                Index::NewAxis => selection.shown.push(Shown::New),
                Index::Ellipsis => {
                    let whole = shape.len() - n_named;
                    selection.shown.extend((axis..axis + whole).map(|a| Shown::Axis(a, (0..shape[a]).collect())));
                    axis += whole;
                }
                item => {
                    selection.name(item, axis, shape[axis]);
                    axis += 1;
                }
            }
        }
        selection.shown.extend((axis..shape.len()).map(|a| Shown::Axis(a, (0..shape[a]).collect())));
        if has_lists {
            selection.shown.insert(if is_apart { 0 } else { places[0] }, Shown::Points);
        }
        selection
    }

    fn name(&mut self, item: &Index, axis: usize, len: usize) {
        let wrapped = |at: i64| if at < 0 { (at + len as i64) as usize } else { at as usize };
        match item {
            Index::Slice { start, stop, step } => {
                self.shown.push(Shown::Axis(axis, slice_positions(*start, *stop, *step, len)));
            }
            Index::At(at) => self.points.push((axis, vec![wrapped(*at)])),
            Index::List(list) => {
                self.n_points = if self.n_points == 1 { list.len() } else { self.n_points };
                self.points.push((axis, list.iter().map(|&at| wrapped(at)).collect()));
            }
            other => unreachable!("{other:?} was taken apart before"),
        }
    }

    pub(crate) fn shape(&self) -> Vec<usize> {
        let len = |shown: &Shown| match shown {
            Shown::Axis(_, positions) => positions.len(),
            Shown::New => 1,
            Shown::Points => self.n_points,
        };
        self.shown.iter().map(len).collect()
    }

    /// The selected elements.
    pub(crate) fn of<T: Clone>(&self, array: &ArrayD<T>) -> ArrayD<T> {
        ArrayD::from_shape_fn(IxDyn(&self.shape()), |at| {
            let mut from = vec![0; array.ndim()];
            let mut point = 0;
            for (place, shown) in self.shown.iter().enumerate() {
                match shown {
                    Shown::Axis(axis, positions) => from[*axis] = positions[at[place]],
                    Shown::New => {}
                    Shown::Points => point = at[place],
                }
            }
            for (axis, positions) in &self.points {
                from[*axis] = if positions.len() == 1 { positions[0] } else { positions[point] };
            }
            array[IxDyn(&from)].clone()
        })
    }

    /// The array with the selected elements replaced, one after the other, by values that broadcast to them.
    pub(crate) fn assigned<T: Clone>(&self, array: &ArrayD<T>, values: &ArrayD<T>) -> ArrayD<T> {
        let numbers = ArrayD::from_shape_vec(array.raw_dim(), (0..array.len()).collect()).expect("a number for each");
        let targets = self.of(&numbers);
        let extra = values.ndim().saturating_sub(targets.ndim());
        let values = reshaped(values, &values.shape()[extra..]);
        let values = values.broadcast(targets.raw_dim()).expect("the values fit");
        let mut elems: Vec<T> = array.iter().cloned().collect();
        targets.iter().zip(values.iter()).for_each(|(&target, value)| elems[target] = value.clone());
        ArrayD::from_shape_vec(array.raw_dim(), elems).expect("as many as before")
    }
}

fn any_bound(len: usize, bits: &mut Bits) -> Option<i64> {
    let reach = len as i64 + 2;
    (!bits.one_in(3)).then(|| bits.between(-reach, reach))
}

pub(crate) fn any_slice(len: usize, bits: &mut Bits) -> Index {
    let step = *[1, 1, 1, 2, 3, -1, -1, -2, -3].get(bits.below(9)).expect("one of nine");
    Index::Slice { start: any_bound(len, bits), stop: any_bound(len, bits), step }
}

fn any_position(len: usize, bits: &mut Bits) -> i64 {
    bits.between(-(len as i64), len as i64 - 1)
}

pub(crate) fn any_list(len: usize, n: usize, bits: &mut Bits) -> Vec<i64> {
    (0..n).map(|_| any_position(len, bits)).collect()
}

pub(crate) fn any_mask(shape: &[usize], bits: &mut Bits) -> ArrayD<bool> {
    let often = 1 + bits.next() % 4;
    ArrayD::from_shape_simple_fn(IxDyn(shape), || bits.one_in(often))
}

/// Slices, integers, new axes and an ellipsis.
pub(crate) fn basic_items(shape: &[usize], bits: &mut Bits) -> Vec<Index> {
    let mut items = Vec::new();
    let n_named = bits.below(shape.len() + 1);
    let whole = shape.len() - n_named;
    let ellipsis = if bits.one_in(2) { Some(bits.below(n_named + 1)) } else { None };
    let mut axis = 0;
    for number in 0..=n_named {
        if bits.one_in(6) {
            items.push(Index::NewAxis);
        }
        if ellipsis == Some(number) {
            items.push(Index::Ellipsis);
            axis += whole;
        }
        if number < n_named {
            let len = shape[axis];
            items.push(if len > 0 && bits.one_in(3) {
                Index::At(any_position(len, bits))
            } else {
                any_slice(len, bits)
            });
            axis += 1;
        }
    }
    items
}

/// Basic items of which some slices and integers are lists of one length or of length 1, or one mask.
pub(crate) fn advanced_items(shape: &[usize], max_lists: usize, bits: &mut Bits) -> Vec<Index> {
    let mut items = basic_items(shape, bits);
    let n_points = bits.below(6);
    let mut n_lists = 0;
    let lens = lens_of(&items, shape);
    if bits.one_in(3)
        && let Some(place) = (0..items.len()).find(|&place| lens[place].is_some())
    {
        return with_mask(items, &lens, place, bits);
    }
    for (item, len) in items.iter_mut().zip(lens) {
        if let Some(len) = len
            && (len > 0 || n_points == 0)
            && n_lists < max_lists
            && bits.one_in(2)
        {
            let n = if n_lists > 0 && n_points > 0 && bits.one_in(4) { 1 } else { n_points };
            *item = Index::List(any_list(len, n, bits));
            n_lists += 1;
        }
    }
    items
}

/// The items with a mask instead of those from `place` on that stand side by side.
fn with_mask(mut items: Vec<Index>, lens: &[Option<usize>], place: usize, bits: &mut Bits) -> Vec<Index> {
    let together = lens[place..].iter().take_while(|len| len.is_some()).count();
    let ndim = 1 + bits.below(together);
    let shape: Vec<usize> = lens[place..place + ndim].iter().map(|len| len.expect("it names an axis")).collect();
    items.splice(place..place + ndim, [Index::Mask(any_mask(&shape, bits))]);
    items
}

/// The length of the axis that each item names.
fn lens_of(items: &[Index], shape: &[usize]) -> Vec<Option<usize>> {
    let names = |item: &Index| !matches!(item, Index::NewAxis | Index::Ellipsis);
    let n_named = items.iter().filter(|item| names(item)).count();
    let mut axis = 0;
    let len_of = |item: &Index| {
        let len = names(item).then(|| shape[axis]);
        axis += match item {
            Index::Ellipsis => shape.len() - n_named,
            item => usize::from(names(item)),
        };
        len
    };
    items.iter().map(len_of).collect()
}
