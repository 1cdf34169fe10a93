//! What each pass makes of typical expressions, as text: the operations left and the tasks that run.

use hyperslab::prelude::*;

/// The part of an explanation after all passes, without the names of unknown lengths.
fn optimized(array: &DynArray) -> String {
    let text = array.explain().unwrap();
    let (_, after) = text.split_once("optimized\n").expect("an explanation has two parts");
    let mut parts = after.split('?');
    let first = parts.next().unwrap_or_default().to_owned();
    let unnamed = |part: &str| format!("?{}", part.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
    parts.fold(first, |text, part| text + &unnamed(part))
}

#[track_caller]
fn check(array: impl AsRef<DynArray>, expected: &str) {
    let found = optimized(array.as_ref());
    let lines = |text: &str| text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
    let (of_found, of_expected): (Vec<String>, Vec<String>) = (lines(&found), lines(expected));
    assert!(of_found == of_expected, "found\n{found}\nexpected\n{expected}\n");
}

/// A 6 by 4 matrix in 6 blocks, made by a function.
fn made() -> Array<f64> {
    Array::from_fn([6, 4], Chunks::from([2, 2]), |at: &[u64]| (at[0] * 4 + at[1]) as f64).unwrap()
}

/// The same in memory.
fn held() -> Array<f64> {
    let elems = ndarray::Array2::from_shape_fn((6, 4), |(i, j)| (i * 4 + j) as f64);
    Array::from_ndarray(elems, Chunks::from([2, 2])).unwrap()
}

#[test]
fn elementwise_operations_become_one_program() {
    let x = made();
    check(
        (&x + 1.0) * &x.sqrt(),
        "
        %0 = from_block_fn() : float64 (6, 4) chunks (2, 2)
        %1 = elementwise [x0: float64
        t0 = add(x0, 1)
        t1 = sqrt(x0)
        t2 = multiply(t0, t1)
        -> t2](%0) : float64 (6, 4) chunks (2, 2) (wanted)
        plan: 12 tasks, at most 32 bytes each
        0 from_block_fn: 6 tasks
        1 elementwise: 6 tasks <- 0 (wanted)
        ",
    );
}

#[test]
fn constants_are_folded() {
    let two = Array::<f64>::full([6, 4], 2.0, Chunks::from([2, 2])).unwrap();
    check(
        &made() * (&two + 3.0),
        "
        %0 = from_block_fn() : float64 (6, 4) chunks (2, 2)
        %1 = multiply [x0: float64
        t0 = multiply(x0, 5)
        -> t0](%0) : float64 (6, 4) chunks (2, 2) (wanted)
        plan: 12 tasks, at most 32 bytes each
        0 from_block_fn: 6 tasks
        1 multiply: 6 tasks <- 0 (wanted)
        ",
    );
}

#[test]
fn equal_expressions_are_computed_once() {
    let x = made();
    let (a, b) = (x.cumsum(0).unwrap() + 1.0, x.cumsum(0).unwrap() + 1.0);
    check(
        matmul(&a, &b.transpose()).unwrap(),
        "
        %0 = from_block_fn() : float64 (6, 4) chunks (2, 2)
        %1 = cumsum [axis 0](%0) : float64 (6, 4) chunks (2, 2)
        %2 = add [x0: float64
        t0 = add(x0, 1)
        -> t0](%1) : float64 (6, 4) chunks (2, 2)
        %3 = view [(1, 0)](%2) : float64 (4, 6) chunks (2, 2)
        %4 = matmul [axes [1] with [0]](%2, %3) : float64 (6, 6) chunks (2, 2) (wanted)
        plan: 59 tasks, at most 32 bytes each
        0 from_block_fn: 6 tasks
        1 cumsum-total: 4 tasks <- 0
        2 cumsum-offset: 4 tasks <- 1, 2
        3 cumsum: 6 tasks <- 0, 2
        4 add: 6 tasks <- 3
        5 view: 6 tasks <- 4
        6 matmul: 18 tasks <- 6, 4, 5
        7 matmul: 9 tasks <- 6 (wanted)
        ",
    );
}

#[test]
fn slices_move_to_the_sources() {
    let y = (&made() * 2.0).transpose().slice(s![1.., ..3]).unwrap();
    check(
        y,
        "
        %0 = from_block_fn() : float64 (6, 4) chunks (2, 2)
        %1 = slice [(0:3, 1:4)](%0) : float64 (3, 3) chunks (2, (1, 2))
        %2 = multiply [x0: float64
        t0 = multiply(x0, 2)
        -> t0](%1) : float64 (3, 3) chunks (2, (1, 2))
        %3 = view [(1, 0)](%2) : float64 (3, 3) chunks ((1, 2), 2) (wanted)
        plan: 16 tasks, at most 32 bytes each
        0 from_block_fn: 4 tasks
        1 slice: 4 tasks <- 0
        2 multiply: 4 tasks <- 1
        3 view: 4 tasks <- 2 (wanted)
        ",
    );
}

#[test]
fn slices_of_slices_are_one() {
    let y = held().slice(s![1.., ..]).unwrap().slice(s![..;2, ..2]).unwrap() + 1.0;
    check(
        y,
        "
        %0 = memory() : float64 (6, 4) chunks (2, 2)
        %1 = slice [(1:7:2, 0:2)](%0) : float64 (3, 2) chunks (1, 2)
        %2 = add [x0: float64
        t0 = add(x0, 1)
        -> t0](%1) : float64 (3, 2) chunks (1, 2) (wanted)
        plan: 6 tasks, at most 16 bytes each
        0 slice: 3 tasks <- memory
        1 add: 3 tasks <- 0 (wanted)
        ",
    );
}

#[test]
fn slices_of_joined_arrays_leave_the_others_out() {
    let (x, y) = (made(), held());
    check(
        concatenate(&[&x, &y], 0).unwrap().slice(s![7..9, ..]).unwrap(),
        "
        %0 = memory() : float64 (2, 4) chunks (1, 2) (wanted)
        plan: 4 tasks, at most 0 bytes each
        0 read: 4 tasks <- memory (wanted)
        ",
    );
}

#[test]
fn what_others_need_too_is_not_sliced() {
    let total = made().cumsum(0).unwrap();
    check(
        total.slice(s![0, ..]).unwrap() + total.sum(),
        "
        %0 = from_block_fn() : float64 (6, 4) chunks (2, 2)
        %1 = cumsum [axis 0](%0) : float64 (6, 4) chunks (2, 2)
        %2 = slice [(0:1, 0:4)](%1) : float64 (1, 4) chunks (1, 2)
        %3 = sum [sum over axes [0, 1]](%1) : float64 (1, 1) chunks (1, 1)
        %4 = pick [sum](%3) : float64 () chunks ()
        %5 = add [x0: float64
        x1: float64
        t0 = add(x0, x1)
        -> t0](%2, %4) : float64 (4) chunks (2) (wanted)
        plan: 32 tasks, at most 48 bytes each
        0 from_block_fn: 6 tasks
        1 cumsum-total: 4 tasks <- 0
        2 cumsum-offset: 4 tasks <- 1, 2
        3 cumsum: 6 tasks <- 0, 2
        4 slice: 2 tasks <- 3
        5 sum: 6 tasks <- 3
        6 sum-combine: 1 task <- 5
        7 sum-finish: 1 task <- 6
        8 add: 2 tasks <- 4, 7 (wanted)
        ",
    );
}

#[test]
fn arrays_in_memory_are_read_in_the_chunks_that_are_asked_for() {
    check(
        held().rechunk([3, 4]).unwrap() + 1.0,
        "
        %0 = memory() : float64 (6, 4) chunks (3, 4)
        %1 = add [x0: float64
        t0 = add(x0, 1)
        -> t0](%0) : float64 (6, 4) chunks (3, 4) (wanted)
        plan: 2 tasks, at most 96 bytes each
        0 add: 2 tasks <- memory (wanted)
        ",
    );
    check(
        (&held() + 1.0).rechunk([3, 4]).unwrap(),
        "
        %0 = memory() : float64 (6, 4) chunks (2, 2)
        %1 = add [x0: float64
        t0 = add(x0, 1)
        -> t0](%0) : float64 (6, 4) chunks (2, 2)
        %2 = rechunk(%1) : float64 (6, 4) chunks (3, 4) (wanted)
        plan: 8 tasks, at most 96 bytes each
        0 add: 6 tasks <- memory
        1 rechunk: 2 tasks <- 0 (wanted)
        ",
    );
}

#[test]
fn reductions_take_in_what_they_read() {
    check(
        (&made() * 2.0).square().sum_axis(0).unwrap(),
        "
        %0 = from_block_fn() : float64 (6, 4) chunks (2, 2)
        %1 = sum [sum over axes [0] of x0: float64
        t0 = multiply(x0, 2)
        t1 = square(t0)
        -> t1](%0) : float64 (1, 4) chunks (1, 2)
        %2 = pick [sum](%1) : float64 (4) chunks (2) (wanted)
        plan: 16 tasks, at most 96 bytes each
        0 from_block_fn: 6 tasks
        1 sum: 6 tasks <- 0
        2 sum-combine: 2 tasks <- 1
        3 sum-finish: 2 tasks <- 2 (wanted)
        ",
    );
}

#[test]
fn reductions_take_in_the_mask() {
    let x = held();
    check(
        x.mask(x.gt(3.0).unwrap()).unwrap().sum(),
        "
        %0 = memory() : float64 (6, 4) chunks (2, 2)
        %1 = memory() : float64 (6, 4) chunks (2, 4)
        %2 = greater [x0: float64
        t0 = greater(x0, 3)
        -> t0](%0) : bool (6, 4) chunks (2, 2)
        %3 = rechunk(%2) : bool (6, 4) chunks (2, 4)
        %4 = sum [sum over axes [0, 1] of x0: float64
        x1: bool
        -> x0, x1](%1, %3) : float64 (1, 1) chunks (1, 1)
        %5 = pick [sum](%4) : float64 () chunks () (wanted)
        plan: 14 tasks, at most 48 bytes each
        0 greater: 6 tasks <- memory
        1 rechunk: 3 tasks <- 0
        2 sum: 3 tasks <- memory, 1
        3 sum-combine: 1 task <- 2
        4 sum-finish: 1 task <- 3 (wanted)
        ",
    );
}

#[test]
fn reductions_over_the_same_data_are_one_pass() {
    let x = made();
    check(
        x.max() - x.min() + x.mean(),
        "
        %0 = from_block_fn() : float64 (6, 4) chunks (2, 2)
        %1 = reduce [max, min, mean over axes [0, 1]](%0) : float64 (1, 1) chunks (1, 1)
        %2 = pick [max](%1) : float64 () chunks ()
        %3 = pick [min](%1) : float64 () chunks ()
        %4 = pick [mean](%1) : float64 () chunks ()
        %5 = elementwise [x0: float64
        x1: float64
        x2: float64
        t0 = subtract(x0, x1)
        t1 = add(t0, x2)
        -> t1](%2, %3, %4) : float64 () chunks () (wanted)
        plan: 17 tasks, at most 144 bytes each
        0 from_block_fn: 6 tasks
        1 reduce: 6 tasks <- 0
        2 reduce-combine: 1 task <- 1
        3 max-finish: 1 task <- 2
        4 min-finish: 1 task <- 2
        5 mean-finish: 1 task <- 2
        6 elementwise: 1 task <- 3, 4, 5 (wanted)
        ",
    );
}

#[test]
fn a_centred_array_reads_its_mean() {
    let x = held();
    check(
        (&x - x.mean_axis(0).unwrap()).var(),
        "
        %0 = memory() : float64 (6, 4) chunks (2, 2)
        %1 = mean [mean over axes [0]](%0) : float64 (1, 4) chunks (1, 2)
        %2 = pick [mean](%1) : float64 (4) chunks (2)
        %3 = var [var over axes [0, 1] of x0: float64
        x1: float64
        t0 = subtract(x0, x1)
        -> t0](%0, %2) : float64 (1, 1) chunks (1, 1)
        %4 = pick [var](%3) : float64 () chunks () (wanted)
        plan: 18 tasks, at most 96 bytes each
        0 mean: 6 tasks <- memory
        1 mean-combine: 2 tasks <- 0
        2 mean-finish: 2 tasks <- 1
        3 var: 6 tasks <- memory, 2
        4 var-combine: 1 task <- 3
        5 var-finish: 1 task <- 4 (wanted)
        ",
    );
}

#[test]
fn functions_of_blocks_stand_alone() {
    let y = (&made() + 1.0).map_blocks::<f64, _>(|block| Ok(block.dense()?.to_owned().into())).unwrap() * 2.0;
    check(
        y.slice(s![..2, ..]).unwrap(),
        "
        %0 = from_block_fn() : float64 (6, 4) chunks (2, 2)
        %1 = add [x0: float64
        t0 = add(x0, 1)
        -> t0](%0) : float64 (6, 4) chunks (2, 2)
        %2 = map_blocks(%1) : float64 (6, 4) chunks (2, 2)
        %3 = slice [(0:2, 0:4)](%2) : float64 (2, 4) chunks (2, 2)
        %4 = multiply [x0: float64
        t0 = multiply(x0, 2)
        -> t0](%3) : float64 (2, 4) chunks (2, 2) (wanted)
        plan: 10 tasks, at most 32 bytes each
        0 from_block_fn: 2 tasks
        1 add: 2 tasks <- 0
        2 map_blocks: 2 tasks <- 1
        3 slice: 2 tasks <- 2
        4 multiply: 2 tasks <- 3 (wanted)
        ",
    );
}

#[test]
fn assignments_scans_and_products() {
    let mut x = held();
    x.assign(s![..2, ..], 0.0).unwrap();
    check(
        x.cumsum(0).unwrap(),
        "
        %0 = memory() : float64 (6, 4) chunks (2, 2)
        %1 = full [0]() : float64 (2, 4) chunks (2, 2)
        %2 = assign [(0:2, 0:4)](%0, %1) : float64 (6, 4) chunks (2, 2)
        %3 = cumsum [axis 0](%2) : float64 (6, 4) chunks (2, 2) (wanted)
        plan: 22 tasks, at most 32 bytes each
        0 full: 2 tasks
        1 assign: 6 tasks <- memory, 0
        2 cumsum-total: 4 tasks <- 1
        3 cumsum-offset: 4 tasks <- 2, 3
        4 cumsum: 6 tasks <- 1, 3 (wanted)
        ",
    );
    check(
        matmul(&held(), &held().transpose()).unwrap().sum(),
        "
        %0 = memory() : float64 (6, 4) chunks (2, 2)
        %1 = memory() : float64 (6, 4) chunks (2, 2)
        %2 = view [(1, 0)](%1) : float64 (4, 6) chunks (2, 2)
        %3 = matmul [axes [1] with [0]](%0, %2) : float64 (6, 6) chunks (2, 2)
        %4 = sum [sum over axes [0, 1]](%3) : float64 (1, 1) chunks (1, 1)
        %5 = pick [sum](%4) : float64 () chunks () (wanted)
        plan: 44 tasks, at most 48 bytes each
        0 view: 6 tasks <- memory
        1 matmul: 18 tasks <- 1, memory, 0
        2 matmul: 9 tasks <- 1
        3 sum: 9 tasks <- 2
        4 sum-combine: 1 task <- 3
        5 sum-finish: 1 task <- 4 (wanted)
        ",
    );
}

#[test]
fn drawings_hold_the_same_operations() {
    let y = (&made() + 1.0).sum();
    let dot = y.as_dyn().to_dot().unwrap();
    assert!(dot.starts_with("digraph") && dot.contains("from_block_fn") && dot.contains("->"), "{dot}");
    let svg = y.as_dyn().to_svg().unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>") && svg.contains("sum"), "{svg}");
}

#[test]
fn a_view_of_a_view_is_one_view() {
    let x = made().cumsum(0).unwrap();
    let turned = x.expand_dims(0).unwrap().permute_axes(&[2, 0, 1]).unwrap().broadcast_to([4, 5, 6]).unwrap();
    check(
        turned,
        "
        %0 = from_block_fn() : float64 (6, 4) chunks (2, 2)
        %1 = cumsum [axis 0](%0) : float64 (6, 4) chunks (2, 2)
        %2 = view [(1, new, 0)](%1) : float64 (4, 5, 6) chunks (2, 5, 2) (wanted)
        plan: 26 tasks, at most 160 bytes each
        0 from_block_fn: 6 tasks
        1 cumsum-total: 4 tasks <- 0
        2 cumsum-offset: 4 tasks <- 1, 2
        3 cumsum: 6 tasks <- 0, 2
        4 view: 6 tasks <- 3 (wanted)
        ",
    );
}
