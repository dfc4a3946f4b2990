//! From a directory to a model on a GPU.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use orthrus::{Gpu, GpuOptions, Model, Progress};
use orthrus_loader::{Checkpoint, Views};

use crate::args::ModelArgs;
use crate::bundled;
use crate::error::Result;
use crate::output::note;

const VARIABLE: &str = "ORTHRUS_MODEL";

/// Opens the checkpoint in `directory`, or else the one that the environment names, or else the bundled one.
pub(crate) fn checkpoint(directory: Option<&Path>) -> Result<Checkpoint> {
    let named = || std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    match directory.map(Path::to_path_buf).or_else(named) {
        Some(directory) => Ok(Checkpoint::open(directory)?),
        None => Ok(bundled::checkpoint()?),
    }
}

/// Opens the GPU that `args` ask for, says what will run where, and puts the weights there.
pub(crate) fn model(checkpoint: &Checkpoint, args: &ModelArgs) -> Result<Model> {
    let options = GpuOptions { adapter: args.adapter.clone(), tier: args.tier, ..GpuOptions::default() };
    let gpu = Gpu::open(&options)?;
    let adapter = gpu.adapter();
    note(format!(
        "model {} ({}), {} weights, on {} ({}, {}), tier {}",
        checkpoint.name(),
        views(checkpoint.views()),
        args.dtype.name(),
        adapter.name,
        adapter.backend,
        adapter.kind.name(),
        gpu.tier().name()
    ));
    let mut bar = Bar::new("loading weights");
    let model = Model::load(&gpu, checkpoint, args.dtype, &mut |progress| {
        bar.show(progress);
        ControlFlow::Continue(())
    })?;
    Ok(model)
}

/// The views of a checkpoint, in words.
pub(crate) fn views(views: Views) -> &'static str {
    match views {
        Views::Dual => "AR and diffusion view",
        Views::ArOnly => "AR view only",
    }
}

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
            self.bar.set_length(progress.total as u64);
            self.bar.set_position(progress.done as u64);
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
