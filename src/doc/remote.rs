//! Running on a cluster: a dask.distributed scheduler, and workers that are programs of this crate.
//!
//! The same arrays, the same answers: an expression that ran on the threads of one process runs on the workers of a cluster,
//! bit by bit the same. The scheduler is the stock one of the Python package `distributed`, release 2025.4 or newer; it
//! needs nothing but that package, and `bokeh` for its dashboard. Clients and workers are Rust and need no Python.
//!
//! ```text
//!    your program            dask scheduler (Python)          hyperslab-worker (Rust), as many as there are
//!    ┌──────────┐  tasks     ┌──────────────────┐  tasks      ┌────────┐
//!    │  Client  │ ─────────> │ who runs what,   │ ──────────> │ worker │ <─┐
//!    └──────────┘            │ where results are│             └────────┘   │ blocks
//!         ^                  └──────────────────┘             ┌────────┐   │
//!         └───────────────── blocks of the result ─────────── │ worker │ <─┘
//!                                                             └────────┘
//! ```
//!
//! # On one machine
//!
//! [`LocalCluster`](crate::exec::remote::LocalCluster) starts a scheduler and workers as processes of this machine, and ends
//! them when it is dropped or this process dies. The example `cluster` does that with the job of the example `earth`, and
//! installs `distributed` where there is none:
//!
//! ```text
//! cargo run --release --features remote --example cluster -- --check
//! ```
//!
//! By hand it is one command for each process:
//!
//! ```text
//! pip install distributed bokeh
//! dask scheduler --host 127.0.0.1 --port 8786
//! hyperslab-worker tcp://127.0.0.1:8786 --nthreads 4 --memory-limit 8GiB
//! ```
//!
//! and in the program a runtime, which is entered like any other:
//!
//! ```no_run
//! use hyperslab::prelude::*;
//! let runtime = Runtime::connect("tcp://127.0.0.1:8786")?;
//! let x = Array::<f64>::arange(0.0, 1e9, 1.0, Chunks::size(10_000_000))?;
//! let mean = runtime.enter(|| x.sin().mean().scalar())?;
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! The dashboard is the scheduler's own; tasks have the names of the operations.
//!
//! # The worker's program
//!
//! `cargo install hyperslab --features remote` gives `hyperslab-worker`. It knows the kernels of the crate and the formats
//! of files. Kernels of your own need a worker of your own, which is a `main` of three lines: see
//! [`worker_main`](crate::exec::remote::worker_main). Client and workers compare what they know before anything runs.
//!
//! Options have the names of `dask worker`:
//!
//! | option | meaning |
//! |---|---|
//! | address, `--scheduler-file PATH`, `DASK_SCHEDULER_ADDRESS` | where the scheduler is: one of the three |
//! | `--nthreads N` | tasks at one time |
//! | `--memory-limit 8GiB` | values go to disk at 70 % of it, no new task starts at 80 %, the nanny ends the worker at 95 % |
//! | `--local-directory PATH` | where values go: a local disk. Files have no names and vanish with the process |
//! | `--no-nanny` | no second process that starts the worker again when it dies or hangs: where something else does |
//! | `--nanny-port 9001` | where the nanny listens for the scheduler, beside the worker; any port that is free unless set |
//! | `--death-timeout 60` | seconds without a scheduler after which the worker ends; for ever unless set |
//! | `--listen-address ADDRESS` | where other workers reach this one, if the interface that leads to the scheduler is wrong |
//! | `--tls-ca-file` `--tls-cert` `--tls-key` | see below |
//!
//! # What goes where
//!
//! | what | how |
//! |---|---|
//! | kernels of the crate | by name and parameters; they run as they would here |
//! | closures | not at all: an error names the call. Write a [`NamedKernel`](crate::kernel::NamedKernel), or a [`NamedGufunc`](crate::kernel::NamedGufunc) if it has several results, call it with `map_named`, register it |
//! | `.npy`, raw and Zarr files | workers open them under the path they have here: a file system that all see |
//! | other sources | by their [`SourceFormat`](crate::block::SourceFormat), registered in clients and workers |
//! | arrays in memory | block by block to the workers, for each run anew; with the tasks, through the scheduler, if their blocks are below 16 KiB, or for `persist` (see below) |
//! | results of `compute` | block by block from the workers that have them |
//! | results of `persist` | stay on the cluster as long as the array lives; later expressions read them there |
//! | `save_npy` `save_zarr` | the process that computes a block writes it |
//! | other sinks | the client fetches the blocks and writes them |
//!
//! **Arrays in memory.** A block that this process put on a worker cannot be made again there: if the worker dies while the
//! block is needed, what is left of the run is submitted once more, with all such blocks sent anew, twice at most. Blocks go
//! away when the run ends. While there is no worker that takes them, they wait with their tasks.
//!
//! What `persist` keeps must survive the loss of a worker without this process, so arrays in memory travel with its tasks:
//! the scheduler holds them as long as the persisted array lives. A large array is better saved, once, to a file that workers
//! open; what is made of that can be persisted.
//!
//! # What can be watched
//!
//! The dashboard of the scheduler shows every task and what it took, thread by thread. Observers of a runtime
//! (progress, profiles and the others of [`diag`](crate::diag)) hear of wanted results alone, since the
//! scheduler reports nothing else to clients: a run has as many *tasks* for them as results are asked for. A result of
//! `compute` counts when it has arrived here, in the order of blocks, and its duration is that of taking it in; one of
//! `persist` counts when it is there on the cluster. A sum of everything is one result, so it goes from 0 to 1.
//!
//! # Where and how tasks run
//!
//! Retries, resources, workers and priorities are dask's, and hold for all tasks of the runs of a runtime:
//!
//! ```no_run
//! use hyperslab::exec::remote::{Client, ConnectOptions, SubmitOptions};
//! use hyperslab::kernel::Registry;
//! use hyperslab::prelude::*;
//! let mut registry = Registry::new();
//! registry.register_files()?;
//! let client = Client::connect(&ConnectOptions::from_env()?)?;
//! let urgent = client.with_options(SubmitOptions::new().retries(2).workers(["node1", "node2"]).priority(10));
//! let runtime = Runtime::on_client(urgent, registry);
//! # Ok::<(), hyperslab::Error>(())
//! ```
//!
//! [`Runtime::submit`](crate::exec::Runtime::submit) and [`spawn`](crate::exec::Runtime::spawn) give futures, which can be
//! awaited in asynchronous programs, or waited for. Several runs go on side by side on one cluster, and one whose future is
//! dropped is cancelled there.
//!
//! # How many tasks go out at once
//!
//! The scheduler keeps first tasks of a graph back and sends each worker 1.1 times its threads. That bounds memory, and
//! costs a round trip of some 6 ms for every refill: tasks of 10 ms run at less than half the speed. Blocks that take 100 ms
//! do not notice. For short tasks set, on the scheduler,
//!
//! ```text
//! DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION=4 dask scheduler
//! ```
//!
//! or `inf` where all first blocks of a graph fit into memory
//! ([`ClusterOptions::saturation`](crate::exec::remote::ClusterOptions::saturation)). A scheduler takes about ten thousand
//! tasks in a second: beyond a hundred thousand, larger blocks are the better plan.
//!
//! # Several machines
//!
//! Nothing of this crate listens beyond its machine, or speaks to another one, without encryption, unless it is told to
//! (`--insecure`, [`Security::allow_insecure`](crate::exec::remote::Security::allow_insecure)). Whoever can reach the port
//! of a scheduler without TLS can run code there: that is how it is made.
//!
//! **TLS.** One authority for the cluster, one certificate for all processes:
//!
//! ```text
//! openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=ca -keyout ca.key -out ca.pem
//! openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=node -keyout key.pem -out node.csr
//! printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n' > ext
//! openssl x509 -req -in node.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 -extfile ext -out cert.pem
//! chmod 600 key.pem
//!
//! dask scheduler --protocol tls --tls-ca-file ca.pem --tls-cert cert.pem --tls-key key.pem
//! hyperslab-worker tls://HEAD:8786 --tls-ca-file ca.pem --tls-cert cert.pem --tls-key key.pem
//! ```
//!
//! The client finds the same files with [`Security`](crate::exec::remote::Security), or under the names dask gives them in
//! the environment (`DASK_DISTRIBUTED__COMM__TLS__CA_FILE` and so on).
//!
//! **A scheduler file.** On a file system that all machines share the address need not be known:
//!
//! ```text
//! dask scheduler --scheduler-file /shared/scheduler.json
//! hyperslab-worker --scheduler-file /shared/scheduler.json
//! ```
//!
//! **SSH.** No tool is needed:
//!
//! ```text
//! for host in node1 node2 node3; do
//!     ssh $host hyperslab-worker tls://HEAD:8786 --tls-ca-file ca.pem --tls-cert cert.pem --tls-key key.pem \
//!         --death-timeout 60 &
//! done
//! ```
//!
//! An ended `ssh` does not end what it started on the other machine: `--death-timeout` has workers leave when their
//! scheduler has been away for so long.
//!
//! **Slurm, PBS, LSF.** `dask-jobqueue` writes job scripts that run `python -m MODULE scheduler-address options`. A module
//! that becomes the worker, somewhere on `PYTHONPATH`, is all it takes:
//!
//! ```text
//! # hyperslab_worker.py
//! import os, sys
//! os.execvp("hyperslab-worker", ["hyperslab-worker", *sys.argv[1:]])
//! ```
//!
//! ```text
//! from dask_jobqueue import SLURMCluster
//! cluster = SLURMCluster(cores=16, memory="64GB", processes=1, worker_command="hyperslab_worker",
//!                        worker_extra_args=["--insecure"])       # or `security=` and certificates
//! cluster.scale(jobs=10)
//! print(cluster.scheduler_address)
//! ```
//!
//! Without `dask-jobqueue`, `srun hyperslab-worker --scheduler-file /shared/scheduler.json` within an allocation does the same.
//!
//! **Kubernetes.** The dask operator takes any command for the containers of its workers and gives them
//! `DASK_SCHEDULER_ADDRESS` and `DASK_WORKER_NAME`:
//!
//! ```text
//! worker:
//!   replicas: 3
//!   spec:
//!     containers:
//!     - name: worker
//!       image: your/image
//!       args: [hyperslab-worker, --name, $(DASK_WORKER_NAME), --no-nanny, --insecure]
//! ```
//!
//! # What was tried
//!
//! | way | tried |
//! |---|---|
//! | `LocalCluster`, the commands by hand, TLS files, scheduler file | yes, by tests or by hand, with `distributed` 2026.8 |
//! | SSH | yes: two workers in a network namespace with a server of its own, TLS as above; they left when the scheduler did |
//! | Slurm | yes, Slurm 22.05 with two nodes on one machine: `SLURMCluster` of `dask-jobqueue` 0.9 with three jobs, two of them given back, and `srun` of four workers over a scheduler file; `scancel` left no process behind |
//! | PBS, LSF | no: their job scripts run the command that Slurm's do |
//! | Kubernetes | in part: `dask-kubernetes` 2026.3 makes containers with those arguments and variables out of the lines above, and the worker joined with them; no Kubernetes |
//!
//! # When something dies
//!
//! | what | then |
//! |---|---|
//! | a worker | its tasks run elsewhere, and what it held is computed again, or sent again where it was in memory here; the nanny starts another one |
//! | a worker hangs | its nanny ends it after eight seconds without a sign of life; without a nanny the scheduler waits five minutes |
//! | a signal stops a worker | its nanny ends it after three seconds; the right answer came within 6.1 s in 40 of 40 runs, which take 1.2 s without a fault |
//! | a task kills its worker three times | the scheduler gives the task up, and the run fails with that error |
//! | the scheduler | the run fails with an error at once (39 of 39: within 41 ms); workers join the next scheduler at that address by themselves (40 of 40: all three within 1.0 s once it listens; pauses between rounds of attempts grow to 4.5 s) |
//! | a worker is connected and silent | results are fetched from another holder, or by the scheduler, after thirty seconds without a byte, and computed again when the scheduler has given the worker up; after some six minutes without either there is an error |
//! | a file of values on a worker's disk | its checksum tells: what others ask for is computed again, a task of that worker fails with the error |
//! | a value that cannot be written, or read where it is needed | the tasks that need it fail with the reason |
//! | nothing: a client restarts the workers | all results are gone, and futures, runs and persisted arrays say so; nannies start all workers anew |
//! | a network link | after thirty seconds without a sign (see below): an error where the scheduler is out of reach, other workers where a worker is, blocks by way of the scheduler where two workers reach it but not each other |
//! | the client | the scheduler forgets what only it wanted |
//!
//! **Silence.** A connection without any sign of life is given up after thirty seconds, and a new one that does not stand
//! after as many. The settings are dask's: `DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP` and `.._CONNECT` for the scheduler and
//! for workers, [`tcp_timeout`](crate::exec::remote::ConnectOptions::tcp_timeout) and
//! [`timeout`](crate::exec::remote::ConnectOptions::timeout) for clients. Blocks that come by way of the scheduler pass
//! through its memory and its network; after five minutes the direct way is tried again.
//!
//! [`Client::restart`](crate::exec::remote::Client::restart), and `restart` and `restart_workers` of a Python client, have
//! nannies start workers anew; so does a scheduler that has heard nothing of a worker for five minutes. A nanny listens
//! where its worker does, on a port of its own and under the same rules. It runs nothing that is sent to it: plugins for
//! nannies, and `Client.run(.., nanny=True)`, are refused with an error. Workers without nannies leave on a restart and do
//! not come back by themselves.
