//! An open GPU: adapters, devices, buffers, pipelines, tuning and readback. This room knows no model.

mod adapter;
mod buffer;
mod device;
#[cfg(feature = "noop")]
mod noop;
mod options;
mod pipeline;
#[cfg(not(target_arch = "wasm32"))]
mod poller;
mod readback;
mod resources;
#[cfg(not(target_arch = "wasm32"))]
mod spirv;
mod tuning;

#[cfg(not(target_arch = "wasm32"))]
pub use adapter::adapters_blocking;
pub use adapter::{AdapterKind, AdapterReport, adapters};
pub(crate) use buffer::{Bound, Buffer};
pub(crate) use device::lock;
pub use device::{Created, Gpu};
#[cfg(feature = "noop")]
pub use noop::PretendedAdapter;
pub use options::GpuOptions;
pub(crate) use readback::Mapping;
pub(crate) use resources::storage_bytes;
pub use tuning::Layouts;
pub(crate) use tuning::Tuning;
