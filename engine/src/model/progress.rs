//! Progress of long-running work, and its cancellation.

use std::ops::ControlFlow;

/// Hears of progress. Return `ControlFlow::Break` to cancel the work. In browsers, where JavaScript's functions cannot
/// change threads, the callback need not be `Send`.
#[cfg(not(target_arch = "wasm32"))]
pub type OnProgress<'a> = &'a mut (dyn FnMut(Progress) -> ControlFlow<()> + Send);

/// Hears of progress. Return `ControlFlow::Break` to cancel the work.
#[cfg(target_arch = "wasm32")]
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// How far long-running work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is done: weights when loading, tokens in a prefill.
    pub done: u64,
    /// What there is to do.
    pub total: u64,
}

/// An [`OnProgress`] that ignores progress.
pub fn no_progress(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
