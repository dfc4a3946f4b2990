//! A progress bar on stderr.

use indicatif::{ProgressBar, ProgressStyle};
use orthrus::Progress;

/// A progress bar on stderr, where that is a terminal. Cleared when dropped.
pub(crate) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar that says `what` is under way. It appears with the first progress.
    pub(crate) fn new(what: &'static str) -> Bar {
        let bar = ProgressBar::no_length().with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:30}] {percent}% (about {eta} left)") {
            bar.set_style(style.progress_chars("=> "));
        }
        Bar { bar }
    }

    /// Shows how far it is. Work done in one step needs no bar.
    pub(crate) fn show(&mut self, progress: Progress) {
        if progress.done < progress.total {
            self.bar.set_length(progress.total);
            self.bar.set_position(progress.done);
        } else {
            self.bar.finish_and_clear();
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
