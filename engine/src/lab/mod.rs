//! For tests and benchmarks: single passes timed, logits and KV cache read, single kernels dispatched.

mod dispatch;
mod inspect;
#[cfg(not(target_arch = "wasm32"))]
pub mod measurements;
mod profile;

#[cfg(feature = "noop")]
pub use crate::gpu::PretendedAdapter;
pub use dispatch::Operand;
pub use profile::{Copying, KernelOfPass, MeasuredPass, PartOfPass};
