//! Ctrl-C stops an answer, not the program.

use std::io::{IsTerminal, Write, stderr, stdin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Result;

/// What marks that input is awaited.
pub(crate) const PROMPT: &str = "> ";

/// What Ctrl-C does from now on.
#[derive(Debug, Default)]
pub(crate) struct Interrupt {
    answering: AtomicBool,
    /// Set when the answer under way shall end.
    pub(crate) stop: AtomicBool,
}

impl Interrupt {
    /// Takes over Ctrl-C for the rest of the program.
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
        // The terminal has dropped the line typed so far.
        let prompt = if stdin().is_terminal() { PROMPT } else { "" };
        let mut err = stderr().lock();
        let _ = write!(err, "\n/exit or Ctrl-D leaves\n{prompt}").and_then(|()| err.flush());
    }

    /// An answer begins: Ctrl-C stops it.
    pub(crate) fn answer_begins(&self) {
        self.stop.store(false, Ordering::SeqCst);
        self.answering.store(true, Ordering::SeqCst);
    }

    /// It is over.
    pub(crate) fn answer_ends(&self) {
        self.answering.store(false, Ordering::SeqCst);
    }
}
