//! From a directory to a model on a GPU.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use orthrus::{Gpu, GpuOptions, Model, Progress, Synthetic};
use orthrus_loader::{Checkpoint, CheckpointViews, Config, GenerationConfig};

use crate::args::ModelArgs;
use crate::bundled_model;
use crate::error::{CliError, Result};
use crate::output::note;

const VARIABLE: &str = "ORTHRUS_MODEL";

/// What a model with random weights begins with, in place of a directory.
const SYNTHETIC: &str = "synthetic:";

/// Random weights, always the same ones.
pub(crate) const SYNTHETIC_SEED: u64 = 0;

/// Where a model comes from.
pub(crate) enum Source {
    /// Files.
    Checkpoint(Box<Checkpoint>),
    /// Random weights in a true shape.
    Synthetic(Synthetic, Config),
}

impl Source {
    /// What `named` names, or else the environment, or else the bundled model.
    pub(crate) fn open(named: Option<&Path>) -> Result<Source> {
        let variable = || std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        let Some(named) = named.map(Path::to_path_buf).or_else(variable) else {
            return Ok(Source::Checkpoint(Box::new(bundled_model::checkpoint()?)));
        };
        match named.to_str().and_then(|name| name.strip_prefix(SYNTHETIC)) {
            None => Ok(Source::Checkpoint(Box::new(Checkpoint::open(named)?))),
            Some(name) => {
                let shape = Synthetic::named(name).ok_or_else(|| {
                    let names = Synthetic::ALL.map(|shape| format!("{SYNTHETIC}{}", shape.name));
                    CliError::usage(format!("there is no model {SYNTHETIC}{name}, only {}", names.join(", ")))
                })?;
                Ok(Source::Synthetic(shape, shape.config()))
            }
        }
    }

    /// What people see: a synthetic model always says that it is one.
    pub(crate) fn name(&self) -> String {
        match self {
            Source::Checkpoint(checkpoint) => checkpoint.name().to_owned(),
            Source::Synthetic(shape, _) => format!("{SYNTHETIC}{} (random weights)", shape.name),
        }
    }

    pub(crate) fn config(&self) -> &Config {
        match self {
            Source::Checkpoint(checkpoint) => checkpoint.config(),
            Source::Synthetic(_, config) => config,
        }
    }

    pub(crate) fn views(&self) -> CheckpointViews {
        match self {
            Source::Checkpoint(checkpoint) => checkpoint.views(),
            Source::Synthetic(..) => CheckpointViews::Dual,
        }
    }

    pub(crate) fn generation(&self) -> GenerationConfig {
        match self {
            Source::Checkpoint(checkpoint) => checkpoint.generation().clone(),
            Source::Synthetic(..) => GenerationConfig::default(),
        }
    }

    /// Its files, if it has any.
    pub(crate) fn checkpoint(&self) -> Option<&Checkpoint> {
        match self {
            Source::Checkpoint(checkpoint) => Some(checkpoint),
            Source::Synthetic(..) => None,
        }
    }

    pub(crate) fn is_synthetic(&self) -> bool {
        self.checkpoint().is_none()
    }

    /// Opens the GPU that `args` ask for, says what will run where, and puts the weights there.
    pub(crate) fn model(&self, args: &ModelArgs) -> Result<Model> {
        match self {
            Source::Checkpoint(checkpoint) => model(checkpoint, args),
            Source::Synthetic(shape, _) => {
                let gpu = gpu(&self.name(), self.views(), args)?;
                Ok(Model::synthetic(&gpu, shape, SYNTHETIC_SEED, args.dtype)?)
            }
        }
    }
}

/// Opens the checkpoint in `directory`, or else the one that the environment names, or else the bundled one.
pub(crate) fn checkpoint(directory: Option<&Path>) -> Result<Checkpoint> {
    match Source::open(directory)? {
        Source::Checkpoint(checkpoint) => Ok(*checkpoint),
        source => Err(CliError::usage(format!(
            "{} has no tokenizer and nothing to say: it is for `orthrus bench`, `verify` and `info`",
            source.name()
        ))),
    }
}

/// Opens the GPU that `args` ask for, says what will run where, and puts the weights there.
pub(crate) fn model(checkpoint: &Checkpoint, args: &ModelArgs) -> Result<Model> {
    let gpu = gpu(checkpoint.name(), checkpoint.views(), args)?;
    let mut bar = Bar::new("loading weights");
    let model = Model::load(&gpu, checkpoint, args.dtype, &mut |progress| {
        bar.show(progress);
        ControlFlow::Continue(())
    })?;
    Ok(model)
}

fn gpu(name: &str, of: CheckpointViews, args: &ModelArgs) -> Result<Gpu> {
    let options = GpuOptions { adapter: args.adapter.clone(), tier: args.tier, ..GpuOptions::default() };
    let gpu = Gpu::open(&options)?;
    let adapter = gpu.adapter();
    note(format!(
        "model {} ({}), {} weights, on {} ({}, {}), tier {}",
        name,
        views(of),
        args.dtype.name(),
        adapter.name,
        adapter.backend,
        adapter.kind.name(),
        gpu.tier().name()
    ));
    Ok(gpu)
}

/// The views of a checkpoint, in words.
pub(crate) fn views(views: CheckpointViews) -> &'static str {
    match views {
        CheckpointViews::Dual => "AR and diffusion view",
        CheckpointViews::ArOnly => "AR view only",
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
