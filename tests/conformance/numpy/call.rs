//! The arrays and arguments of one call.

use hyperslab::array::DynArray;
use hyperslab::element::Scalar;
use hyperslab::ndarray::ArrayD;
use hyperslab::prelude::*;
use serde_json::Value;

use crate::conformance::inputs::Inputs;
use crate::conformance::values::{array_of, leaves, scalar_of};

/// A name, arrays and arguments.
pub(crate) struct Call<'a> {
    pub(crate) inputs: &'a Inputs,
    pub(crate) call: &'a Value,
}

impl Call<'_> {
    pub(crate) fn name(&self) -> &str {
        self.call["op"].as_str().unwrap()
    }

    /// The array of a name.
    pub(crate) fn array(&self, name: &str) -> DynArray {
        self.inputs.lazy(name)
    }

    /// The first array.
    pub(crate) fn a(&self) -> DynArray {
        self.array("a")
    }

    /// The second array.
    pub(crate) fn b(&self) -> DynArray {
        self.array("b")
    }

    /// All arrays, in the order of their names.
    pub(crate) fn arrays(&self) -> Vec<DynArray> {
        self.inputs.all()
    }

    pub(crate) fn arg(&self, key: &str) -> &Value {
        &self.call["args"][key]
    }

    pub(crate) fn int(&self, key: &str) -> i64 {
        self.arg(key).as_i64().unwrap()
    }

    pub(crate) fn axis(&self) -> isize {
        self.int("axis") as isize
    }

    /// A list of numbers, which may stand alone.
    pub(crate) fn ints(&self, key: &str) -> Vec<i64> {
        leaves(self.arg(key)).iter().map(|value| value.as_i64().unwrap()).collect()
    }

    /// A list of real numbers, which may stand alone.
    pub(crate) fn floats(&self, key: &str) -> Vec<f64> {
        leaves(self.arg(key)).iter().map(|value| scalar_of(value).to_c64().re).collect()
    }

    pub(crate) fn sizes(&self, key: &str) -> Vec<u64> {
        self.ints(key).into_iter().map(|size| size as u64).collect()
    }

    pub(crate) fn axes(&self, key: &str) -> Vec<isize> {
        self.ints(key).into_iter().map(|axis| axis as isize).collect()
    }

    pub(crate) fn pair(&self, key: &str) -> [isize; 2] {
        self.axes(key).try_into().unwrap()
    }

    pub(crate) fn scalar(&self, key: &str) -> Scalar {
        scalar_of(self.arg(key))
    }

    /// A reduction's axes, `keepdims` and `ddof`.
    pub(crate) fn reduce(&self) -> Reduce {
        let mut options = match self.arg("axis") {
            Value::Null => Reduce::all(),
            _ => Reduce::axes(self.axes("axis")),
        };
        if self.arg("keepdims") == &Value::Bool(true) {
            options = options.keepdims();
        }
        if let Some(n) = self.arg("split_every").as_u64() {
            options = options.split_every(n);
        }
        options.ddof(self.arg("ddof").as_f64().unwrap_or(0.0))
    }

    /// An index expression.
    pub(crate) fn index(&self, key: &str) -> Vec<Index> {
        self.arg(key).as_array().unwrap().iter().map(|item| self.index_item(item)).collect()
    }

    fn index_item(&self, item: &Value) -> Index {
        match item {
            Value::Number(at) => Index::At(at.as_i64().unwrap()),
            Value::String(word) if word == "newaxis" => Index::NewAxis,
            Value::String(word) if word == "..." => Index::Ellipsis,
            Value::String(name) => Index::Array(self.array(name)),
            Value::Array(list) => Index::List(list.iter().map(|at| at.as_i64().unwrap()).collect()),
            Value::Object(slice) if slice.contains_key("mask") => Index::Mask(mask_of(&slice["mask"])),
            Value::Object(slice) => Index::Slice {
                start: slice["start"].as_i64(),
                stop: slice["stop"].as_i64(),
                step: slice["step"].as_i64().unwrap_or(1),
            },
            other => panic!("{other} is no index"),
        }
    }
}

fn mask_of(mask: &Value) -> ArrayD<bool> {
    array_of(&crate::conformance::values::lengths(&mask["shape"]), &mask["values"])
}
