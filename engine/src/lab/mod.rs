//! For tests and benchmarks: passes measured by themselves, logits and cache looked at, one kernel dispatched.

mod dispatch;
mod inspect;
mod profile;

#[cfg(feature = "noop")]
pub use crate::gpu::PretendedAdapter;
pub use dispatch::Operand;
pub use profile::{Copying, KernelOfPass, MeasuredPass, PartOfPass};
