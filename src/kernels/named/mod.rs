//! Named kernels of the crate's own: functions of a few blocks that need no operation of their own.
//!
//! They go through the same door as users' kernels ([`NamedKernel`](super::NamedKernel)): plain parameters, a name, and a
//! function of dense blocks. Equal kernels on equal arrays have one name, and another process can run them.

mod repeat;

pub(crate) use repeat::Repeat;
