//! Progress of long-running work, and its cancellation.

use std::ops::ControlFlow;

/// A callback for progress. It returns `ControlFlow::Break` to cancel the work.
///
/// In browsers it need not be `Send`, because JavaScript functions cannot move between threads.
#[cfg(not(target_arch = "wasm32"))]
pub type OnProgress<'a> = &'a mut (dyn FnMut(Progress) -> ControlFlow<()> + Send);

/// A callback for progress. It returns `ControlFlow::Break` to cancel the work.
#[cfg(target_arch = "wasm32")]
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// Progress of long-running work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Amount done so far: weights when loading, tokens in a prefill.
    pub done: u64,
    /// Amount of the whole work, in the unit of `done`.
    pub total: u64,
}

/// An [`OnProgress`] that ignores progress.
pub fn no_progress(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
