//! One text at a time: the session, the decode loop, sampling and replays.

mod generation;
mod in_flight;
mod options;
mod passes;
mod replay;
mod sampling;
mod session;
mod warm_up;

pub use generation::{Cycle, FinishReason, Generation, Run, RunStream, Stats};
#[cfg(feature = "lab")]
pub(crate) use options::DecodeMode;
pub use options::{Decoding, GenerateOptions, check_context, check_ids};
#[cfg(feature = "lab")]
pub(crate) use passes::{PassKind, ViewPasses};
#[cfg(feature = "lab")]
pub use replay::Replay;
pub use sampling::{AcceptRule, Sampling};
pub use session::Session;
