//! Runtimes on clusters.

use std::sync::Arc;

use super::submit::RemoteEngine;
use crate::error::Result;
use crate::exec::Runtime;
use crate::exec::remote::client::{Client, ConnectOptions};
use crate::kernels::Registry;

impl Runtime {
    /// [`connect`](Self::connect) with encryption, other settings, or kernels of one's own: `registry` must be equal to that
    /// of the workers. That of the program `hyperslab-worker` has the formats of files and nothing else, as below.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Examples
    /// ```no_run
    /// use hyperslab::exec::remote::{ConnectOptions, Security};
    /// use hyperslab::kernel::Registry;
    /// use hyperslab::prelude::*;
    /// let security = Security::new().ca_file("ca.pem").client_cert("cert.pem").client_key("key.pem");
    /// let options = ConnectOptions::address("tls://head-node:8786").security(security);
    /// let mut registry = Registry::new();
    /// registry.register_files()?;
    /// let cluster = Runtime::connect_with(&options, registry)?;
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn connect_with(options: &ConnectOptions, registry: Registry) -> Result<Self> {
        Ok(Self::on_client(Client::connect(options)?, registry))
    }

    /// A runtime on the cluster of a client that is connected. It keeps the connection; `registry` must be equal to that of
    /// the workers, see [`connect_with`](Self::connect_with).
    ///
    /// # Examples
    /// ```no_run
    /// use hyperslab::exec::remote::{Client, ConnectOptions};
    /// use hyperslab::kernel::Registry;
    /// use hyperslab::prelude::*;
    /// let client = Client::connect(&ConnectOptions::address("tcp://127.0.0.1:8786"))?;
    /// let mut registry = Registry::new();
    /// registry.register_files()?;
    /// let cluster = Runtime::on_client(client.clone(), registry);
    /// println!("{} workers", client.workers()?.len());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn on_client(client: Client, registry: Registry) -> Self {
        Self::local().with_engine(Arc::new(RemoteEngine::new(client, registry)))
    }
}
