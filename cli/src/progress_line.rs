//! A progress bar on stderr.

use indicatif::{ProgressBar, ProgressStyle};
use orthrus::Progress;

/// A line with a progress bar, shown only where stderr is a terminal. Dropping it clears the line.
pub(crate) struct ProgressLine {
    bar: ProgressBar,
}

impl ProgressLine {
    /// A line that names the work. It appears with the first progress.
    pub(crate) fn new(work: &'static str) -> ProgressLine {
        let bar = ProgressBar::no_length().with_message(work);
        if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:30}] {percent}% (about {eta} left)") {
            bar.set_style(style.progress_chars("=> "));
        }
        ProgressLine { bar }
    }

    /// Shows how much of the work is done. Work that is done in one step shows no bar.
    pub(crate) fn show(&mut self, progress: Progress) {
        if progress.done < progress.total {
            self.bar.set_length(progress.total);
            self.bar.set_position(progress.done);
        } else {
            self.bar.finish_and_clear();
        }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
