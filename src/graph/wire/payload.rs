//! The bytes that run a task in another process.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::key::task_key;
use crate::block::codec::{Encoded, Reader, decode_bytes};
use crate::block::{Block, BufferPool, Value};
use crate::error::{Error, Result, Shown};
use crate::kernels::{KernelContext, Portable, Promise, Registry};

const OP: &str = "task";
/// What payloads begin with, so that they are known among other bytes.
pub(crate) const MAGIC: [u8; 4] = *b"HSTK";
const VERSION: u8 = 1;
/// The most that the keys of the inputs of one task may come to.
const MAX_KEY_BYTES: u64 = 64 << 20;

/// Inputs that are blocks of one layer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct InputRun<'a> {
    pub(super) group: Cow<'a, str>,
    /// The number of blocks along each axis of the layer.
    pub(super) counts: Cow<'a, [u64]>,
    /// The numbers of the blocks that are read.
    pub(super) numbers: Vec<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Work<'a> {
    Run(Portable<'a>),
    /// The value follows.
    Constant,
}

#[derive(Debug, Serialize, Deserialize)]
struct Body<'a> {
    label: Cow<'a, str>,
    block: Cow<'a, [u64]>,
    task_bytes: u64,
    inputs: Cow<'a, [InputRun<'a>]>,
    work: Work<'a>,
}

/// Where a task stands and what it costs.
pub(super) struct About<'a> {
    pub(super) label: &'a str,
    pub(super) block: &'a [u64],
    pub(super) task_bytes: u64,
    /// The hash of the registry that the task is made with.
    pub(super) registry: u128,
}

/// The payload of a kernel.
pub(super) fn of_kernel(about: &About<'_>, inputs: &[InputRun<'_>], kernel: Portable<'_>) -> Result<Vec<u8>> {
    start(about, inputs, Work::Run(kernel))
}

/// The payload of a block that is in memory.
pub(super) fn of_constant(about: &About<'_>, block: Block) -> Result<Vec<u8>> {
    let mut bytes = start(about, &[], Work::Constant)?;
    bytes.extend_from_slice(&Encoded::of(&Value::Block(block))?.to_bytes());
    Ok(bytes)
}

fn start(about: &About<'_>, inputs: &[InputRun<'_>], work: Work<'_>) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(&head(about.registry));
    let body = Body {
        label: about.label.into(),
        block: about.block.into(),
        task_bytes: about.task_bytes,
        inputs: inputs.into(),
        work,
    };
    let failed = |error: postcard::Error| Error::bug(OP, format!("a task does not serialise: {error}"));
    postcard::to_extend(&body, bytes).map_err(failed)
}

/// What payloads of a registry with this hash begin with.
fn head(registry: u128) -> [u8; 21] {
    let mut head = [VERSION; 21];
    head[..4].copy_from_slice(&MAGIC);
    head[5..].copy_from_slice(&registry.to_le_bytes());
    head
}

/// A task that has come from another process.
#[derive(Debug)]
pub(crate) struct Payload<'a> {
    body: Body<'a>,
    /// The value of a constant; empty for kernels.
    constant: &'a [u8],
}

impl<'a> Payload<'a> {
    /// What a payload for this registry begins with.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn head(registry: &Registry) -> [u8; 21] {
        head(registry.hash())
    }

    /// Reads the bytes of a task.
    ///
    /// # Errors
    /// They are not what a [`RemotePlan`](super::RemotePlan) of a process with an equal registry makes.
    pub(crate) fn read(bytes: &'a [u8], registry: &Registry) -> Result<Self> {
        let mut reader = Reader::new(OP, bytes);
        if reader.bytes("the start", MAGIC.len())? != MAGIC {
            return Err(reader.fault("the bytes do not start like a task"));
        }
        let version = reader.u8("the version")?;
        if version != VERSION {
            return Err(reader
                .fault(format!("version {version} of the format is not known, only {VERSION}"))
                .with_remedy("run one release of hyperslab everywhere"));
        }
        registry.check_hash(reader.u128("the hash of the registry")?)?;
        let broken = |error: postcard::Error| Error::format(OP, format!("the bytes are no task: {error}"));
        let (body, constant): (Body<'a>, &[u8]) = postcard::take_from_bytes(reader.rest()).map_err(broken)?;
        if matches!(body.work, Work::Run(_)) && !constant.is_empty() {
            return Err(Error::format(OP, format!("{} bytes follow the end of a task", constant.len())));
        }
        check_inputs(&body.inputs)?;
        Ok(Self { body, constant })
    }

    /// The operation, as users know it.
    pub(crate) fn label(&self) -> &str {
        &self.body.label
    }

    /// The place of the block that is made, as text.
    pub(crate) fn block_text(&self) -> String {
        Shown(&self.body.block).to_string()
    }

    /// An upper bound of what the task allocates, as its maker promises it. A worker refuses what it has no room for;
    /// blocks that are made from nothing are held to the promise.
    pub(crate) fn task_bytes(&self) -> u64 {
        self.body.task_bytes
    }

    /// The keys of the inputs in the order in which [`run`](Self::run) takes them; what is read twice stands twice.
    pub(crate) fn inputs(&self) -> Vec<String> {
        let keys = |run: &InputRun<'_>| {
            run.numbers.iter().map(|&number| task_key(&run.group, &run.counts, number)).collect::<Vec<_>>()
        };
        self.body.inputs.iter().flat_map(keys).collect()
    }

    /// Runs the task.
    ///
    /// # Errors
    /// A kernel or a format is not registered, the parameters do not fit together or the inputs, or the kernel fails.
    pub(crate) fn run(self, inputs: Vec<Value>, registry: &Registry, pool: &BufferPool) -> Result<Value> {
        let Body { label, block, inputs: runs, work, task_bytes } = self.body;
        let n_inputs = runs.iter().map(|run| run.numbers.len()).sum::<usize>();
        let run = || -> Result<Value> {
            if inputs.len() != n_inputs {
                return Err(Error::format(OP, format!("{} inputs where {n_inputs} are due", inputs.len())));
            }
            match work {
                Work::Constant => decode_bytes(self.constant, pool),
                Work::Run(portable) => {
                    let promise = Promise(task_bytes);
                    let kernel = portable.into_kernel(n_inputs, promise, registry)?;
                    kernel.check_inputs(&inputs, promise)?;
                    kernel.run(inputs, &KernelContext::new(pool))
                }
            }
        };
        run().map_err(|error| error.at_block(&label, &Shown(&block).to_string()))
    }
}

/// Numbers of blocks must exist, and keys must not be many times as long as what they are made from.
fn check_inputs(runs: &[InputRun<'_>]) -> Result<()> {
    let mut key_bytes = 0u64;
    for run in runs {
        let n_blocks = run.counts.iter().try_fold(1u64, |n, &count| n.checked_mul(count));
        if !n_blocks.is_some_and(|n| run.numbers.iter().all(|&number| number < n)) {
            return Err(Error::format(OP, format!("an input is no block of {}", Shown(&run.counts))));
        }
        let bytes_each = run.group.len() as u64 + 22 * (run.counts.len() as u64 + 1);
        key_bytes = key_bytes.saturating_add(bytes_each.saturating_mul(run.numbers.len() as u64));
    }
    if key_bytes > MAX_KEY_BYTES {
        return Err(Error::format(OP, format!("the keys of the inputs take {key_bytes} bytes")));
    }
    Ok(())
}
