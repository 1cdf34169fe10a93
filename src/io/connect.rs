//! Runtimes on clusters whose workers open files.

use crate::error::Result;
use crate::exec::Runtime;
use crate::exec::remote::ConnectOptions;
use crate::kernel::Registry;

impl Runtime {
    /// A runtime on a cluster: whatever is computed in it is computed by the workers of the dask.distributed scheduler at
    /// this address, and comes back here with the same bits as from [`local`](Self::local).
    ///
    /// The workers are `hyperslab-worker` programs. For kernels of one's own, see [`connect_with`](Self::connect_with).
    ///
    /// # Errors
    /// The address is none, nobody answers there, or the scheduler is of a release that is not known.
    ///
    /// # Examples
    /// ```no_run
    /// use hyperslab::prelude::*;
    /// let cluster = Runtime::connect("tcp://127.0.0.1:8786")?;
    /// let x = open_zarr("/shared/temperature.zarr")?.try_typed::<f32>()?;
    /// let mean = cluster.enter(|| x.mean_axis(0)?.compute())?;
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn connect(address: impl Into<String>) -> Result<Self> {
        let mut registry = Registry::new();
        registry.register_files()?;
        Self::connect_with(&ConnectOptions::address(address), registry)
    }
}
