//! Eager answers in plain loops over dense arrays.

use hyperslab::element::Element;
use ndarray::{ArrayD, Axis, IxDyn};

/// The shape that shapes broadcast to; they do.
pub(crate) fn broadcast_shape(shapes: &[&[usize]]) -> Vec<usize> {
    let ndim = shapes.iter().map(|shape| shape.len()).max().unwrap_or(0);
    let len_at = |axis: usize| {
        let own = shapes.iter().filter_map(|shape| (axis + shape.len()).checked_sub(ndim).map(|a| shape[a]));
        own.reduce(|a, b| if a == 1 { b } else { a }).unwrap_or(1)
    };
    (0..ndim).map(len_at).collect()
}

/// The array stretched to a shape it broadcasts to.
pub(crate) fn stretched<T: Clone>(array: &ArrayD<T>, shape: &[usize]) -> ArrayD<T> {
    array.broadcast(IxDyn(shape)).expect("the shapes broadcast").to_owned()
}

/// A function of the elements of two arrays that broadcast.
pub(crate) fn zipped<A: Clone, B: Clone, C>(a: &ArrayD<A>, b: &ArrayD<B>, f: impl Fn(A, B) -> C) -> ArrayD<C> {
    let shape = broadcast_shape(&[a.shape(), b.shape()]);
    let (a, b) = (stretched(a, &shape), stretched(b, &shape));
    let values = a.into_iter().zip(b).map(|(a, b)| f(a, b)).collect();
    ArrayD::from_shape_vec(IxDyn(&shape), values).expect("one value for each element")
}

/// One value for all elements along some axes: `f` gets them in row-major order.
pub(crate) fn folded<T: Element, U: Clone>(
    array: &ArrayD<T>,
    axes: &[usize],
    keepdims: bool,
    f: impl Fn(&[T]) -> U,
) -> ArrayD<U> {
    let kept: Vec<usize> = (0..array.ndim()).filter(|axis| !axes.contains(axis)).collect();
    let mut sorted = axes.to_vec();
    sorted.sort_unstable();
    let order: Vec<usize> = kept.iter().chain(&sorted).copied().collect();
    let moved = array.view().permuted_axes(IxDyn(&order));
    let kept_shape: Vec<usize> = kept.iter().map(|&axis| array.shape()[axis]).collect();
    let n_reduced: usize = sorted.iter().map(|&axis| array.shape()[axis]).product();
    let elems: Vec<T> = moved.iter().copied().collect();
    let n_kept: usize = kept_shape.iter().product();
    let values = (0..n_kept).map(|i| f(&elems[i * n_reduced..(i + 1) * n_reduced])).collect();
    let mut result = ArrayD::from_shape_vec(IxDyn(&kept_shape), values).expect("one value for each kept position");
    if keepdims {
        sorted.iter().for_each(|&axis| result = result.clone().insert_axis(Axis(axis)));
    }
    result
}

/// The running results of a function along an axis.
pub(crate) fn scanned<T: Clone, U: Clone>(
    array: &ArrayD<T>,
    axis: usize,
    start: U,
    f: impl Fn(U, T) -> U,
) -> ArrayD<U> {
    let mut result = array.mapv(|_| start.clone());
    for (mut to, from) in result.lanes_mut(Axis(axis)).into_iter().zip(array.lanes(Axis(axis))) {
        let mut total = start.clone();
        for (to, from) in to.iter_mut().zip(from) {
            total = f(total, from.clone());
            *to = total.clone();
        }
    }
    result
}

/// The elements at positions along an axis.
pub(crate) fn taken<T: Clone>(array: &ArrayD<T>, axis: usize, positions: &[usize]) -> ArrayD<T> {
    array.select(Axis(axis), positions)
}

/// The positions of a slice with Python's meaning.
pub(crate) fn slice_positions(start: Option<i64>, stop: Option<i64>, step: i64, len: usize) -> Vec<usize> {
    let len = len as i64;
    let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let clamped = |at: i64| (if at < 0 { at + len } else { at }).clamp(low, high);
    let mut at = start.map_or(if step > 0 { 0 } else { len - 1 }, clamped);
    let stop = stop.map_or(if step > 0 { len } else { -1 }, clamped);
    let mut positions = Vec::new();
    while if step > 0 { at < stop } else { at > stop } {
        positions.push(at as usize);
        at += step;
    }
    positions
}

/// The same elements in row-major order under another shape.
pub(crate) fn reshaped<T: Clone>(array: &ArrayD<T>, shape: &[usize]) -> ArrayD<T> {
    let elems = array.iter().cloned().collect();
    ArrayD::from_shape_vec(IxDyn(shape), elems).expect("as many elements as before")
}
