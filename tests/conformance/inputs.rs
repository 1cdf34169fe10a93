//! The arrays that a case starts from.

use std::collections::HashMap;

use hyperslab::array::DynArray;
use hyperslab::block::Block;
use hyperslab::element::Element;
use hyperslab::ndarray::ArrayD;
use hyperslab::prelude::*;
use serde_json::Value;

use super::values::{array_of, dtype_of, lengths, scalar_of, with_dtype};

/// One named input.
enum Input {
    Lazy(DynArray),
    /// Arrays in memory, dense or sparse.
    Eager(Block),
}

/// The inputs of a case by name.
pub(crate) struct Inputs(HashMap<String, Input>);

impl Inputs {
    pub(crate) fn new(setup: &[Value]) -> Inputs {
        let built = setup.iter().filter_map(|item| Some((item["name"].as_str()?.to_owned(), Input::new(item)?)));
        Inputs(built.collect())
    }

    /// Whether any input has chunks.
    pub(crate) fn has_chunks(&self) -> bool {
        self.0.values().any(|input| matches!(input, Input::Lazy(_)))
    }

    /// The same values in other chunks.
    pub(crate) fn rechunked(&self, chunks: &Chunks) -> Inputs {
        self.changed(|array| array.rechunk(chunks.clone()).unwrap())
    }

    /// All lazy inputs in the order of their names.
    pub(crate) fn all(&self) -> Vec<DynArray> {
        let mut names: Vec<&String> = self.0.keys().collect();
        names.sort();
        names.into_iter().map(|name| self.lazy(name)).collect()
    }

    fn changed(&self, change: impl Fn(&DynArray) -> DynArray) -> Inputs {
        let change = |(name, input): (&String, &Input)| {
            let input = match input {
                Input::Lazy(array) => Input::Lazy(change(array)),
                Input::Eager(block) => Input::Eager(block.clone()),
            };
            (name.clone(), input)
        };
        Inputs(self.0.iter().map(change).collect())
    }

    /// The same values in sparse blocks.
    pub(crate) fn sparse(&self) -> Inputs {
        self.changed(DynArray::to_sparse)
    }

    /// The same values in sparse blocks, whose fill is the first element of the array.
    pub(crate) fn filled(&self) -> Inputs {
        self.changed(|array| with_dtype!(array.dtype(), T => filled::<T>(array)))
    }

    /// The same values, with a length of the first axis that only a run tells.
    pub(crate) fn unknown(&self) -> Inputs {
        self.changed(|array| match array.shape().first().and_then(|len| len.known()) {
            Some(len) => array.mask_axis(Array::<bool>::ones([len], Chunks::size(2)).unwrap(), 0).unwrap(),
            None => array.clone(),
        })
    }

    /// The lazy input of a name.
    pub(crate) fn lazy(&self, name: &str) -> DynArray {
        match self.0.get(name) {
            Some(Input::Lazy(array)) => array.clone(),
            _ => panic!("the case has no lazy input {name}"),
        }
    }

    fn block(&self, name: &str) -> &Block {
        match self.0.get(name) {
            Some(Input::Eager(block)) => block,
            _ => panic!("the case has no input {name} in memory"),
        }
    }

    /// The lazy input of a name, whose elements are `T`.
    pub(crate) fn typed<T: Element>(&self, name: &str) -> Array<T> {
        self.lazy(name).try_typed().unwrap()
    }

    /// The lazy input of integers of a name.
    pub(crate) fn ints(&self, name: &str) -> Array<i64> {
        self.typed(name)
    }

    /// The lazy input of floats of a name.
    pub(crate) fn floats(&self, name: &str) -> Array<f64> {
        self.typed(name)
    }

    /// The sparse input of a name.
    pub(crate) fn coo<T: Element>(&self, name: &str) -> Coo<T> {
        self.block(name).sparse::<T>().unwrap().clone()
    }

    /// The dense input in memory of a name.
    pub(crate) fn dense<T: Element>(&self, name: &str) -> ArrayD<T> {
        self.block(name).dense::<T>().unwrap().to_owned()
    }
}

impl Input {
    /// What a `setup` item describes; nothing for clients, functions and formats of their own.
    fn new(item: &Value) -> Option<Input> {
        let values = &item["values"];
        match item["kind"].as_str()? {
            "chunked" if item["dtype"] != "float16" => {
                let dtype = dtype_of(item, values);
                Some(Input::Lazy(with_dtype!(dtype, T => chunked::<T>(item))))
            }
            "dense" => {
                let dtype = dtype_of(item, values);
                Some(Input::Eager(
                    with_dtype!(dtype, T => Block::from_dense(array_of::<T>(&lengths(&item["shape"]), values))),
                ))
            }
            "coo_from_dense" | "gcxs_from_dense" => {
                let dtype = dtype_of(item, values);
                Some(Input::Eager(with_dtype!(dtype, T => Block::new(sparse_from_dense::<T>(item)))))
            }
            "coo" => {
                let dtype = dtype_of(item, &item["data"]);
                Some(Input::Eager(with_dtype!(dtype, T => Block::new(sparse_from_entries::<T>(item)))))
            }
            _ => None,
        }
    }
}

/// The sizes of a JSON object's chunks, one list per axis.
fn chunks_of(item: &Value) -> Chunks {
    let sizes = item["chunks"].as_array().unwrap().iter();
    Chunks::per_axis(sizes.map(|sizes| AxisSpec::Sizes(lengths(sizes))).collect())
}

fn chunked<T: Element>(item: &Value) -> DynArray {
    let array = array_of::<T>(&lengths(&item["shape"]), &item["values"]);
    Array::from_ndarray(array, chunks_of(item)).unwrap().into_dyn()
}

fn filled<T: Element>(array: &DynArray) -> DynArray {
    let typed: Array<T> = array.try_typed().unwrap();
    let fill = typed.compute().unwrap().first().copied().unwrap_or_default();
    let sparse = move |b: BlockView<'_, T>| Coo::from_dense_with_fill(&b.dense()?, fill);
    typed.map_blocks_with(MapBlocks::new().sparse(fill), move |b| Ok(sparse(b)?.into())).unwrap().into_dyn()
}

fn fill_of<T: Element>(item: &Value) -> T {
    match &item["fill_value"] {
        Value::Null => T::zero(),
        fill => T::from_scalar(scalar_of(fill).cast(T::DTYPE)),
    }
}

fn sparse_from_dense<T: Element>(item: &Value) -> Coo<T> {
    let array = array_of::<T>(&lengths(&item["shape"]), &item["values"]);
    Coo::from_dense_with_fill(&array.view(), fill_of(item)).unwrap()
}

fn sparse_from_entries<T: Element>(item: &Value) -> Coo<T> {
    let rows: Vec<Vec<u64>> = item["coords"].as_array().unwrap().iter().map(lengths).collect();
    let data = item["data"].as_array().unwrap().iter().map(|value| T::from_scalar(scalar_of(value))).collect();
    Coo::from_coords_with_fill(&rows, data, lengths(&item["shape"]), fill_of(item)).unwrap()
}
