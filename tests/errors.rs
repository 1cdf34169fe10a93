//! What is wrong is said when the expression is built: which operation, which operands, which numbers, and what to do.

use hyperslab::prelude::*;

fn zeros(shape: &[u64]) -> Array<f64> {
    Array::zeros(shape, Chunks::size(2)).unwrap()
}

fn counts(shape: &[u64]) -> Array<i64> {
    Array::zeros(shape, Chunks::size(2)).unwrap()
}

/// The error of a call, and what its text must hold: it starts with the operation.
type Row = (&'static str, Error, &'static [&'static str]);

fn check(rows: Vec<Row>, holds: fn(&Error) -> bool) {
    for (what, error, parts) in rows {
        let text = error.to_string();
        println!("{what:28} {text}");
        assert!(error.is_usage(), "{what}: {error:?}");
        assert!(holds(&error), "{what}: {error:?}");
        assert!(text.starts_with(&format!("{}: ", error.op())), "{what}: {text}");
        for part in parts {
            assert!(text.contains(part), "{what}: `{part}` is missing in `{text}`");
        }
    }
}

fn of<T>(result: Result<T>) -> Error {
    result.err().expect("the call must be refused")
}

#[test]
fn shapes_that_do_not_fit() {
    let (x, y) = (zeros(&[2, 3]), zeros(&[4]));
    let mask = y.gt(0.0).unwrap();
    let flags = counts(&[2, 2]).gt(0).unwrap();
    let mut z = x.clone();
    let rows: Vec<Row> = vec![
        ("add", of(x.try_add(&y)), &["add", "(2, 3)", "(4)", "equal or contain a 1"]),
        ("divide", of(x.try_div(&y)), &["divide", "(2, 3)", "(4)"]),
        ("maximum", of(x.maximum(&y)), &["maximum", "(2, 3)", "(4)"]),
        ("less", of(x.lt(&y)), &["less", "(2, 3)", "(4)"]),
        ("where", of(where_(&mask, &x, 0.0)), &["where", "(4)", "(2, 3)"]),
        ("clip", of(x.clip(&y, 1.0)), &["clip", "(2, 3)", "(4)"]),
        ("tensordot", of(tensordot(&x, &y, ([1], [0]))), &["tensordot", "3 and 4", "(2, 3) and (4)"]),
        ("tensordot n", of(tensordot(&x, &y, 2)), &["tensordot", "2 axes", "(2, 3) and (4)"]),
        ("tensordot pairs", of(tensordot(&x, &y, (vec![0, 1], vec![0]))), &["tensordot", "[0, 1]", "[0]"]),
        ("matmul", of(matmul(&x, &y)), &["matmul", "3 and 4", "(2, 3)", "(4)"]),
        ("matmul 0-d", of(matmul(&x, &x.sum())), &["matmul", "(2, 3)", "()", "`*`"]),
        (
            "matmul batch",
            of(matmul(&zeros(&[2, 3, 4]), &zeros(&[3, 4, 5]))),
            &["matmul", "(2)", "(3)", "(2, 3, 4)", "(3, 4, 5)"],
        ),
        ("dot", of(dot(&x, &x)), &["dot", "3 and 2", "(2, 3)"]),
        ("reshape", of(x.reshape([4, 2])), &["reshape", "6", "(4, 2)"]),
        ("reshape -1", of(x.reshape([-1, 4])), &["reshape", "6", "4"]),
        ("reshape -1 -1", of(x.reshape([-1, -1])), &["reshape", "-1"]),
        ("broadcast_to", of(x.broadcast_to([2, 4])), &["broadcast_to", "(2, 3)", "(2, 4)"]),
        ("broadcast_to short", of(x.broadcast_to([3])), &["broadcast_to", "(2, 3)", "(3)"]),
        (
            "concatenate",
            of(concatenate(&[&x, &zeros(&[2, 4])], 0)),
            &["concatenate", "(2, 3)", "(2, 4)", "axis 1", "3 and 4"],
        ),
        ("concatenate ndim", of(concatenate(&[&x, &y], 0)), &["concatenate", "(2, 3) and (4)", "2 and 1"]),
        ("concatenate none", of(concatenate::<f64>(&[], 0)), &["concatenate", "no arrays", "at least one"]),
        ("stack", of(stack(&[&x, &y], 0)), &["stack", "(2, 3)", "(4)", "one shape"]),
        ("assign", of(z.assign(s![.., ..], &y)), &["assign", "(4)", "(2, 3)"]),
        ("assign mask", of(z.assign_mask(&mask, 1.0)), &["assign", "mask", "(4)", "axis 0", "(2, 3)"]),
        ("assign mask of 1", of(z.assign_mask(&zeros(&[1]).gt(0.0).unwrap(), 1.0)), &["assign", "(1)", "(2, 3)"]),
        (
            "assign mask rows",
            of(z.assign_mask(&zeros(&[2]).gt(0.0).unwrap(), &y)),
            &["assign", "(4)", "(3)", "same mask"],
        ),
        (
            "assign mask 3-d",
            of(z.assign_mask(&zeros(&[2, 3, 1]).gt(0.0).unwrap(), 1.0)),
            &["assign", "3 axes", "(2, 3)"],
        ),
        ("mask", of(x.mask(&mask)), &["mask", "(4)", "(2)"]),
        ("mask 2-d", of(x.mask(&flags)), &["mask", "(2, 2)", "(2, 3)"]),
        ("mask in memory", of(x.index(&idx![[true, false, true]])), &["index", "(3)", "(2, 3)", "axis 0"]),
        ("squeeze_axes", of(x.squeeze_axes(&[0])), &["squeeze", "axis 0", "(2, 3)"]),
        ("max of nothing", of(zeros(&[2, 0]).max_axis(1)), &["max", "[1]", "(2, 0)"]),
        ("permute_axes", of(x.permute_axes(&[0])), &["permute_axes", "1 axes", "2", "every axis once"]),
        ("compute_into", of(x.compute_into::<ndarray::Ix1>()), &["compute_into", "2 axes", "1"]),
        ("len", of(x.sum().len()), &["len", "0 axes"]),
        ("negative shape", of(Array::<f64>::zeros([-2, 3], Chunks::auto())), &["full", "(-2, 3)", "negative"]),
        ("huge shape", of(Array::<f64>::zeros([1u64 << 40, 1 << 40], Chunks::auto())), &["full", "2^63", "Coo"]),
    ];
    check(rows, |_| true);
}

#[test]
fn axes_out_of_range_or_named_twice() {
    let x = zeros(&[2, 3]);
    let rows: Vec<Row> = vec![
        ("sum_axis", of(x.sum_axis(2)), &["sum", "axis 2", "2 axes"]),
        ("mean_axes", of(x.mean_axes([0, -2])), &["mean", "axis 0", "more than once"]),
        ("var_axis", of(x.var_axis(-3)), &["var", "axis -3", "2 axes"]),
        ("cumsum", of(x.cumsum(2)), &["cumsum", "axis 2", "2 axes"]),
        ("topk", of(x.topk(1, 2)), &["topk", "axis 2", "2 axes"]),
        ("flip", of(x.flip(&[0, 0])), &["flip", "axis 0", "more than once"]),
        ("roll", of(x.roll(1, -3)), &["roll", "axis -3", "2 axes"]),
        ("swap_axes", of(x.swap_axes(0, 5)), &["swap_axes", "axis 5", "2 axes"]),
        ("permute_axes", of(x.permute_axes(&[0, 0])), &["permute_axes", "axis 0", "more than once"]),
        ("expand_dims", of(x.expand_dims(4)), &["expand_dims", "axis 4", "3 axes"]),
        ("concatenate", of(concatenate(&[&x, &x], 2)), &["concatenate", "axis 2", "2 axes"]),
        ("stack", of(stack(&[&x, &x], 4)), &["stack", "axis 4", "3 axes"]),
        ("take", of(x.take(&[0], 2)), &["take", "axis 2", "2 axes"]),
        ("tensordot", of(tensordot(&x, &x, ([2], [0]))), &["tensordot", "axis 2", "2 axes"]),
        (
            "map_overlap",
            of(x.map_overlap(Overlap::depth(0).on_axis(2, 1, 1, Boundary::None), |b| Ok(b.dense()?.to_owned().into()))
                as Result<Array<f64>>),
            &["map_overlap", "axis 2", "2 axes"],
        ),
    ];
    check(rows, Error::is_shape);
}

#[test]
fn positions_outside_their_axis() {
    let x = zeros(&[2, 3]);
    let mut z = x.clone();
    let rows: Vec<Row> = vec![
        ("slice", of(x.slice(s![5, ..])), &["slice", "5", "axis 0", "length 2"]),
        ("index", of(x.index(&idx![.., -4])), &["index", "-4", "axis 1", "length 3"]),
        ("list", of(x.index(&idx![[0, 2]])), &["index", "2", "axis 0", "length 2"]),
        ("take", of(x.take(&[3], 1)), &["take", "3", "axis 1", "length 3"]),
        ("index_axis", of(x.index_axis(1, 3)), &["index_axis", "3", "axis 1", "length 3"]),
        ("assign", of(z.assign(s![.., 7], 1.0)), &["assign", "7", "axis 1", "length 3"]),
        ("assign list", of(z.assign_index(&idx![[9]], 1.0)), &["assign", "9", "axis 0", "length 2"]),
        ("too many", of(x.index(&idx![0, 0, 0])), &["index", "3 axes", "(2, 3)"]),
        ("two ellipses", of(x.index(&idx![Ellipsis, Ellipsis])), &["index", "more than one ellipsis"]),
        ("unequal lists", of(x.index(&idx![[0, 1], [0, 1, 2]])), &["index", "2", "3", "equal lengths"]),
        ("step 0", of(x.index(&[Index::Slice { start: None, stop: None, step: 0 }])), &["step"]),
        ("blocks", of(x.blocks(&idx![3])), &["blocks", "3", "axis 0"]),
        ("float index", of(x.index(&idx![&zeros(&[2])])), &["index", "float64", "booleans"]),
    ];
    check(rows, |error| error.is_index() || error.op() == "slice");
}

#[test]
fn element_types_without_the_operation() {
    let real = zeros(&[2]);
    let whole = counts(&[2]).into_dyn();
    let complex = real.astype::<C64>().into_dyn();
    let flags = real.gt(0.0).unwrap().into_dyn();
    let rows: Vec<Row> = vec![
        ("typed", of(real.as_dyn().try_typed::<i32>()), &["try_typed", "float64", "int32", "astype"]),
        ("try_astype", of(real.try_astype::<i32>()), &["try_astype", "float64", "int32", "astype"]),
        ("subtract bool", of(flags.subtract(&flags)), &["subtract", "bool", "logical_xor"]),
        ("negative bool", of(flags.negative()), &["negative", "bool"]),
        ("floor complex", of(complex.floor()), &["floor", "complex128", "real"]),
        ("and floats", of(real.as_dyn().bitwise_and(&whole)), &["bitwise_and", "float64", "int64"]),
        ("gcd floats", of(real.as_dyn().gcd(real.as_dyn())), &["gcd", "float64", "integer"]),
        ("max complex", of(complex.max_with(&Reduce::all())), &["max", "complex128"]),
        ("topk complex", of(complex.topk(1, 0)), &["topk", "complex128", "order"]),
        ("mask of numbers", of(real.mask(&real)), &["mask", "float64", "compare"]),
        (
            "NaN into ints",
            of(whole.assigned(&idx![..], Array::from_scalar(f64::NAN).as_dyn())),
            &["assign", "NaN", "int64", "cast"],
        ),
        ("arange of bool", of(Array::<bool>::arange(false, true, true, Chunks::auto())), &["arange", "bool"]),
    ];
    check(rows, Error::is_dtype);
}

#[test]
fn chunks_and_values_that_do_not_fit() {
    let x = zeros(&[4, 6]);
    let rows: Vec<Row> = vec![
        ("sum of sizes", of(x.rechunk(vec![vec![2u64, 1], vec![6]])), &["rechunk", "(2, 1)", "axis 0", "3", "4"]),
        ("size 0", of(x.rechunk(0)), &["rechunk", "0", "axis 0", "at least 1"]),
        ("size -2", of(x.rechunk([-2, 1])), &["rechunk", "-2", "axis 0"]),
        ("too few axes", of(x.rechunk([2])), &["rechunk", "1 axes", "2"]),
        ("keep", of(Array::<f64>::zeros([4], Chunks::keep())), &["full", "axis 0", "keep"]),
        (
            "drop many blocks",
            of(x.map_blocks_with::<f64, _>(MapBlocks::new().drop_axes([0]), |b| Ok(b.dense()?.to_owned().into()))),
            &["map_blocks", "axis 0", "2 blocks", "rechunk"],
        ),
        (
            "sizes of blocks",
            of(x.map_blocks_with::<f64, _>(MapBlocks::new().chunks([vec![1, 1, 1], vec![2]]), |b| {
                Ok(b.dense()?.to_owned().into())
            })),
            &["map_blocks", "3", "2 blocks", "axis 0"],
        ),
        (
            "zip",
            of(x.map_blocks_zip::<f64, f64, _>(&zeros(&[6, 6]), |a, _| Ok(a.dense()?.to_owned().into()))),
            &["map_blocks", "(2, 3)", "axis 0", "rechunk"],
        ),
        ("topk 0", of(x.topk(0, 0)), &["topk", "0", "-k"]),
        ("arange step", of(Array::<i64>::arange(0, 5, 0, Chunks::auto())), &["arange", "0", "not 0"]),
        ("literal", of(counts(&[1]).astype::<u8>().as_dyn().literal("add", 300)), &["add", "300", "uint8"]),
        ("compute sparse", of(x.to_sparse().compute()), &["compute", "sparse", "compute_sparse()", "to_dense()"]),
        ("compute_sparse", of(x.compute_sparse()), &["compute_sparse", "dense", "to_sparse()"]),
        ("fill", of(tensordot(&(x.to_sparse() + 1.0), &x, ([0], [0]))), &["tensordot", "fill 1", "to_dense()"]),
        (
            "empty halo",
            of(zeros(&[0]).map_overlap::<f64, _>(Overlap::depth(1).boundary(Boundary::Nearest), |b| {
                Ok(b.dense()?.to_owned().into())
            })),
            &["map_overlap", "axis 0", "constant"],
        ),
        ("scalar", of(x.scalar()), &["scalar", "(4, 6)", "24 elements", "reduce"]),
    ];
    check(rows, |_| true);
}

#[test]
#[should_panic(expected = "add: shapes (2, 3) and (4) do not broadcast; aligned from the right")]
fn operators_panic_with_the_same_words() {
    let _ = zeros(&[2, 3]) + zeros(&[4]);
}

#[test]
fn blocks_that_are_not_what_was_promised_are_the_data_s_fault() {
    let x = zeros(&[4]);
    let short: Array<f64> = x.map_blocks(|_| Ok(ndarray::arr1(&[1.0]).into_dyn().into())).unwrap();
    let error = short.compute().unwrap_err();
    assert_eq!(error.family(), hyperslab::error::Family::Data, "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("map_blocks") && text.contains("block (") && text.contains("(1)") && text.contains("(2)"),
        "{text}"
    );
}

#[test]
fn a_reduction_of_no_selected_elements_says_so() {
    let x = Array::from_vec(vec![1.0, 2.0], Chunks::size(1)).unwrap();
    let error = x.mask(x.gt(5.0).unwrap()).unwrap().max().compute().unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("no elements"), "{error:?}");
    let error = (counts(&[3]) - 1).as_dyn().power(&(counts(&[3]) - 1).into_dyn()).unwrap().compute_block().unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("negative power"), "{error:?}");
    assert!(error.to_string().contains("cast the base to a float"), "{error:?}");
}

#[test]
fn errors_are_one_word_and_are_shared_between_threads() {
    fn shared<T: Send + Sync + Clone + std::error::Error + 'static>() {}
    shared::<Error>();
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
}

#[test]
fn what_is_made_of_other_operations_names_itself() {
    use hyperslab::array::*;
    let (x, v) = (zeros(&[4, 6]), zeros(&[5]));
    let unknown = v.mask(v.gt(-1.0).unwrap()).unwrap().expand_dims(0).unwrap();
    let flags = v.gt(0.0).unwrap();
    let rows: Vec<(&str, Error)> = vec![
        ("move_axis", of(x.move_axis(7, 0))),
        ("isclose", of(x.isclose(&v, Tolerance::default()))),
        ("allclose", of(x.allclose(&v, Tolerance::default()))),
        ("trace", of(x.trace(0, [0, 9]))),
        ("triu", of(x.sum().triu(0))),
        ("ravel", of(unknown.ravel())),
        ("hstack", of(hstack::<f64>(&[]))),
        ("vstack", of(vstack(&[&x, &v]))),
        ("dstack", of(dstack(&[&x, &v]))),
        ("column_stack", of(column_stack(&[&x, &v]))),
        ("append", of(x.append(&v, 0))),
        ("append_flat", of(x.append_flat(&unknown))),
        ("extract", of(x.extract(&flags))),
        ("outer", of(outer(&unknown, &x))),
        ("inner", of(inner(&x, &v))),
        ("vdot", of(vdot(&x, &v))),
        ("select", of(select(&[(&flags, &x)], 0.0))),
        ("choose", of(choose(&counts(&[4, 6]), &[&v]))),
        ("ptp", of(x.ptp_axis(9))),
    ];
    for (op, error) in rows {
        assert_eq!(error.op(), op, "{error}");
    }
    let long = of(Array::<f64>::zeros([u64::MAX, 8], Chunks::auto()));
    assert!(long.to_string().contains("beyond 2^63"), "{long}");
}
