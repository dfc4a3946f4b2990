//! Ctrl-C in a chat: it stops the answer, not the program.

use std::io::{IsTerminal, Write, stderr, stdin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Result;

/// The prompt sign, shown while the chat waits for a line.
pub(crate) const PROMPT: &str = "> ";

/// The state that decides what Ctrl-C does.
#[derive(Debug, Default)]
pub(crate) struct Interrupt {
    answering: AtomicBool,
    /// Set by Ctrl-C: the current answer must end.
    pub(crate) stop: AtomicBool,
}

impl Interrupt {
    /// Handles Ctrl-C for the rest of the program.
    pub(crate) fn install() -> Result<Arc<Interrupt>> {
        let interrupt = Arc::new(Interrupt::default());
        let handler = interrupt.clone();
        ctrlc::set_handler(move || handler.pressed())?;
        Ok(interrupt)
    }

    fn pressed(&self) {
        if self.answering.load(Ordering::SeqCst) {
            self.stop.store(true, Ordering::SeqCst);
            return;
        }
        // The terminal drops the line typed so far, so the prompt sign is shown again.
        let prompt = if stdin().is_terminal() { PROMPT } else { "" };
        let mut err = stderr().lock();
        let _ = write!(err, "\n/exit or Ctrl-D leaves\n{prompt}").and_then(|()| err.flush());
    }

    /// From now on, Ctrl-C stops the answer.
    pub(crate) fn answer_begins(&self) {
        self.stop.store(false, Ordering::SeqCst);
        self.answering.store(true, Ordering::SeqCst);
    }

    /// From now on, Ctrl-C only shows how to leave.
    pub(crate) fn answer_ends(&self) {
        self.answering.store(false, Ordering::SeqCst);
    }
}
