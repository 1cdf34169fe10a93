//! Kernels as data of another process.
//!
//! Most kernels are plain data and travel as they are. Two are not: a read holds an open source, and a function holds what
//! is called. They travel as the description that opens the source ([`SourceSpec`]) and as the name of the kernel with its
//! parameters, and a [`Registry`] makes them again. A closure has no name: it runs where it was made.
//!
//! What arrives is checked before it is a [`Kernel`]: its form here, and how it fits its inputs before it runs.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::check::Promise;
use super::func::{BlockFunction, Function};
use super::kernel::{Kernel, Read};
use super::parts::PartsFunction;
use super::registry::Registry;
use crate::block::{BlockLocation, SourceSpec};
use crate::element::DType;
use crate::error::{Error, Result};

/// A kernel as it travels.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Portable<'a> {
    Plain(Cow<'a, Kernel>),
    Read { spec: SourceSpec, at: Cow<'a, BlockLocation>, dtype: DType },
    Call { name: Cow<'a, str>, version: u32, params: Cow<'a, [u8]>, at: Cow<'a, BlockLocation>, dtype: DType },
    CallParts { name: Cow<'a, str>, version: u32, params: Cow<'a, [u8]>, at: Cow<'a, BlockLocation> },
}

fn closure(op: &str, remedy: &'static str) -> Error {
    Error::not_portable(op, "a closure runs locally only", remedy)
}

impl<'a> Portable<'a> {
    /// The kernel as data; `op` is what the user called.
    ///
    /// # Errors
    /// The kernel calls a closure, or reads a source that nothing describes.
    pub(crate) fn of(op: &str, kernel: &'a Kernel) -> Result<Self> {
        match kernel {
            Kernel::Read(Read { source, at, dtype }) => match source.spec() {
                Some(spec) => Ok(Portable::Read { spec, at: Cow::Borrowed(at), dtype: *dtype }),
                None => Err(Error::not_portable(
                    op,
                    format!("nothing tells another process how to open this {} source", source.format()),
                    "implement `BlockSource::spec` for it, and register its `SourceFormat` in the `Registry` of every worker",
                )),
            },
            Kernel::Function(Function { function, at, dtype }) => match function {
                BlockFunction::Named { name, version, payload, .. } => Ok(Portable::Call {
                    name: Cow::Borrowed(name),
                    version: *version,
                    params: Cow::Borrowed(payload),
                    at: Cow::Borrowed(at),
                    dtype: *dtype,
                }),
                BlockFunction::Local(_) => Err(closure(
                    op,
                    "write it as a `NamedKernel`, call it with `map_named`, and register it in the `Registry` of every worker",
                )),
            },
            Kernel::PartsFunction(PartsFunction { function, at }) => match function {
                BlockFunction::Named { name, version, payload, .. } => Ok(Portable::CallParts {
                    name: Cow::Borrowed(name),
                    version: *version,
                    params: Cow::Borrowed(payload),
                    at: Cow::Borrowed(at),
                }),
                BlockFunction::Local(_) => Err(closure(
                    op,
                    "write it as a `NamedGufunc`, call it with `Gufunc::map_named`, and register it in the `Registry` of every \
                     worker",
                )),
            },
            kernel => Ok(Portable::Plain(Cow::Borrowed(kernel))),
        }
    }

    /// The kernel of a task with `n_inputs` inputs that promises to stay below a number of bytes.
    ///
    /// # Errors
    /// The registry knows no such kernel or format, the source cannot be opened, or the parameters do not fit together.
    pub(crate) fn into_kernel(self, n_inputs: usize, promise: Promise, registry: &Registry) -> Result<Kernel> {
        let kernel = match self {
            Portable::Plain(kernel) => kernel.into_owned(),
            Portable::Read { spec, at, dtype } => {
                Kernel::Read(Read { source: registry.open(&spec)?, at: at.into_owned(), dtype })
            }
            Portable::Call { name, version, params, at, dtype } => {
                let function = registry.function(&name, version, &params)?;
                Kernel::Function(Function { function, at: at.into_owned(), dtype })
            }
            Portable::CallParts { name, version, params, at } => {
                let function = registry.parts_function(&name, version, &params)?;
                Kernel::PartsFunction(PartsFunction { function, at: at.into_owned() })
            }
        };
        kernel.check_form(n_inputs, promise)?;
        Ok(kernel)
    }
}
