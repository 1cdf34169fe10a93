//! Whether a result is the expected one.

use hyperslab::block::Block;
use hyperslab::chunks::Grid;
use hyperslab::element::{C64, DTypeKind, Element, Scalar};
use serde_json::Value;

use super::outcome::Outcome;
use super::values::{leaves, lengths, scalar_of, with_dtype};

/// How strictly results are compared.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// The relative tolerance of floats, against the largest number of the answer where that is 1 or more.
    pub(crate) rtol: f64,
    /// Whether chunks must be the expected ones.
    pub(crate) chunks: bool,
    /// Whether lengths that are expected to be known before a run must be.
    pub(crate) lazy_shape: bool,
    /// Whether a sparse answer must be stored sparsely.
    pub(crate) sparse: bool,
    /// Whether zeros must have the expected sign.
    pub(crate) signed_zero: bool,
}

/// `Err` with the first difference.
pub(crate) type Check = Result<(), String>;

fn check(holds: bool, message: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(message()) }
}

/// Compares a result with the answer of a case; computes what is lazy.
pub(crate) fn compare(outcome: &Outcome, expected: &Value, rules: Rules) -> Check {
    if let Value::Array(items) = &expected["items"] {
        return compare_items(outcome, items, rules);
    }
    match outcome {
        Outcome::Lazy(array) => {
            check_lazy(array.grid(), expected, rules)?;
            let block = array.compute_block().map_err(|error| format!("the run failed: {error}"))?;
            check(array.dtype() == block.dtype(), || {
                format!("{} promised, {} computed", array.dtype(), block.dtype())
            })?;
            let promised =
                array.shape().iter().zip(block.shape()).all(|(a, b)| a.known().is_none_or(|a| a == b as u64));
            check(promised, || format!("shape {:?} promised, {:?} computed", array.shape(), block.shape()))?;
            compare_block(&block, expected, rules)
        }
        Outcome::Eager(block) => compare_block(block, expected, rules),
        // A gradient along one axis is one array.
        Outcome::Tuple(items) if items.len() == 1 => compare(&items[0], expected, rules),
        Outcome::Tuple(items) => Err(format!("{} results where one is expected", items.len())),
    }
}

fn compare_items(outcome: &Outcome, items: &[Value], rules: Rules) -> Check {
    let results = match outcome {
        Outcome::Tuple(results) => results.as_slice(),
        one => std::slice::from_ref(one),
    };
    check(results.len() == items.len(), || format!("{} results where {} are expected", results.len(), items.len()))?;
    for (place, (result, item)) in results.iter().zip(items).enumerate() {
        compare(result, item, rules).map_err(|difference| format!("item {place}: {difference}"))?;
    }
    Ok(())
}

/// Compares what is known of an array before it runs.
fn check_lazy(grid: &Grid, expected: &Value, rules: Rules) -> Check {
    if let (true, Value::Array(shape)) = (rules.lazy_shape, &expected["lazy_shape"]) {
        let given: Vec<Option<u64>> = grid.shape().iter().map(|len| len.known()).collect();
        let wanted: Vec<Option<u64>> = shape.iter().map(Value::as_u64).collect();
        check(given == wanted, || format!("lazy shape {given:?} where {wanted:?} is expected"))?;
    }
    if let (true, Value::Array(chunks)) = (rules.chunks, &expected["chunks"]) {
        let sizes = |axis: &hyperslab::chunks::AxisChunks| -> Vec<Option<u64>> {
            (0..axis.n_blocks()).map(|block| axis.block_len(block)).collect()
        };
        let given: Vec<Vec<Option<u64>>> = grid.axes().iter().map(sizes).collect();
        let wanted: Vec<Vec<Option<u64>>> =
            chunks.iter().map(|sizes| sizes.as_array().unwrap().iter().map(Value::as_u64).collect()).collect();
        check(given == wanted, || format!("chunks {given:?} where {wanted:?} are expected"))?;
    }
    Ok(())
}

fn compare_block(block: &Block, expected: &Value, rules: Rules) -> Check {
    if let Some(nnz) = expected["nnz"].as_u64()
        && expected["shape"] == Value::Null
    {
        // Of a shape too large for a dense copy only this number is given.
        return check(number_or_nnz(block) == nnz, || format!("nnz {} where {nnz} is expected", number_or_nnz(block)));
    }
    if let Some(shape) = expected["shape"].as_array() {
        let wanted: Vec<usize> = lengths(&Value::Array(shape.clone())).iter().map(|&len| len as usize).collect();
        check(block.shape() == wanted, || format!("shape {:?} where {wanted:?} is expected", block.shape()))?;
    }
    check_dtype(block, expected)?;
    if expected["kind"] == "sparse" && !block.shape().is_empty() {
        compare_sparse(block, expected, rules)?;
    }
    let values = [&expected["dense_values"], &expected["values"], &expected["value"]];
    let values = values.into_iter().find(|values| !values.is_null()).unwrap_or(&Value::Null);
    compare_values(&elements(block), &leaves(values), rules)
}

fn number_or_nnz(block: &Block) -> u64 {
    with_dtype!(block.dtype(), T => match block.sparse::<T>() {
        Ok(coo) => coo.nnz() as u64,
        Err(_) => u64::from_scalar(block.scalar().unwrap()),
    })
}

fn check_dtype(block: &Block, expected: &Value) -> Check {
    let fits = match (expected["dtype"].as_str(), expected["python_type"].as_str()) {
        (Some(name), _) => block.dtype().name() == name,
        (None, Some("bool")) => block.dtype().kind() == DTypeKind::Bool,
        (None, Some("int")) => matches!(block.dtype().kind(), DTypeKind::Signed | DTypeKind::Unsigned),
        (None, Some("float")) => block.dtype().is_float(),
        (None, _) => true,
    };
    check(fits, || format!("{} where {} is expected", block.dtype(), expected["dtype"]))
}

/// Compares what only sparse results have: the fill, the entries that are stored, and their order.
fn compare_sparse(block: &Block, expected: &Value, rules: Rules) -> Check {
    let Some(fill) = block.fill() else {
        return check(!rules.sparse, || "a dense result where a sparse one is expected".into());
    };
    let wanted = scalar_of(&expected["fill_value"]).cast(fill.dtype());
    check(is_close(fill, wanted, 0.0, rules), || format!("fill {fill} where {wanted} is expected"))?;
    with_dtype!(block.dtype(), T => {
        let coo = block.sparse::<T>().map_err(|error| error.to_string())?;
        let nnz = expected["nnz"].as_u64().unwrap_or(0);
        check(coo.nnz() as u64 == nnz, || format!("nnz {} where {nnz} is expected", coo.nnz()))?;
        let coords: Vec<Vec<u64>> = coo.coords().rows().into_iter().map(|row| row.to_vec()).collect();
        let wanted = &expected["coords"];
        let same = wanted.is_null() || wanted.as_array().unwrap().iter().map(lengths).eq(coords.iter().cloned());
        check(same, || format!("coordinates {coords:?} where {wanted} are expected"))
    })
}

fn elements(block: &Block) -> Vec<Scalar> {
    with_dtype!(block.dtype(), T => block.to_array::<T>().unwrap().iter().map(|element| element.to_scalar()).collect())
}

fn compare_values(given: &[Scalar], wanted: &[Value], rules: Rules) -> Check {
    check(given.len() == wanted.len(), || format!("{} values where {} are expected", given.len(), wanted.len()))?;
    let wanted: Vec<Scalar> = wanted.iter().map(scalar_of).collect();
    let size = |x: &Scalar| x.to_c64().norm();
    let largest = wanted.iter().map(size).filter(|x| x.is_finite()).fold(1.0, f64::max);
    let differs = |place: &usize| !is_close(given[*place], wanted[*place], largest, rules);
    match (0..given.len()).find(differs) {
        Some(place) => Err(format!("value {place} is {} where {} is expected", given[place], wanted[place])),
        None => Ok(()),
    }
}

/// Whether two numbers are equal, or close if they are floats; NaN is close to NaN.
fn is_close(given: Scalar, wanted: Scalar, largest: f64, rules: Rules) -> bool {
    let wanted = if given.dtype().is_integral() { wanted.cast(given.dtype()) } else { wanted };
    if given.dtype().is_integral() {
        return given.is_same(wanted);
    }
    let (given, wanted) = (given.to_c64(), C64::from_scalar(wanted));
    if given.is_nan() && wanted.is_nan() {
        return true;
    }
    is_close_float(given.re, wanted.re, largest, rules) && is_close_float(given.im, wanted.im, largest, rules)
}

fn is_close_float(given: f64, wanted: f64, largest: f64, rules: Rules) -> bool {
    if given == wanted {
        return wanted != 0.0 || !rules.signed_zero || given.is_sign_negative() == wanted.is_sign_negative();
    }
    (given.is_nan() && wanted.is_nan()) || (given - wanted).abs() <= rules.rtol * wanted.abs().max(largest)
}
