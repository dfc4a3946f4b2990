//! An open GPU: adapters, devices, buffers, pipelines, tuning and readback. This room knows no model.

mod adapter;
mod buffer;
mod device;
#[cfg(feature = "noop")]
mod noop;
#[cfg(not(target_arch = "wasm32"))]
mod poller;
mod readback;
#[cfg(not(target_arch = "wasm32"))]
mod spirv;
mod tuning;

#[cfg(not(target_arch = "wasm32"))]
pub use adapter::adapters_blocking;
pub use adapter::{AdapterKind, AdapterReport, adapters};
pub(crate) use buffer::{Bound, Buffer};
pub use device::{Created, Gpu, GpuOptions};
pub(crate) use device::{lock, storage_bytes};
#[cfg(feature = "noop")]
pub use noop::PretendedAdapter;
pub(crate) use readback::Mapping;
pub use tuning::Layouts;
pub(crate) use tuning::Tuning;
