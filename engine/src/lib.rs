//! Lossless dual-view (Orthrus) decoding on any GPU, through wgpu.

mod adapter;
mod buffers;
mod direct;
mod error;
mod forward;
mod generation;
mod gpu;
pub mod memory;
mod model;
mod pass;
#[cfg(not(target_arch = "wasm32"))]
mod poller;
mod probe;
mod ring;
mod rope;
mod session;
mod weights;

#[cfg(not(target_arch = "wasm32"))]
pub use adapter::adapters_blocking;
pub use adapter::{AdapterReport, adapters};
pub use direct::Operand;
pub use error::{Error, Result};
pub use generation::{Cycle, FinishReason, Generation, Run, Stats};
pub use gpu::{Created, Gpu, GpuOptions};
pub use model::{Model, OnProgress, Progress, no_progress};
pub use orthrus_loader as loader;
pub use orthrus_shaders as shaders;
pub use orthrus_shaders::{Tier, WeightFormat};
pub use session::{GenerateOptions, Session, View};
