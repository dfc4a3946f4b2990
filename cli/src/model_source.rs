//! From a directory to a model on a GPU.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use orthrus::{Gpu, GpuOptions, Model, Synthetic};
use orthrus_loader::{Checkpoint, CheckpointViews, Config, GenerationConfig};

use crate::args::ModelArgs;
use crate::bundled_model;
use crate::error::{CliError, Result};
use crate::output::note;
use crate::progress_bar::Bar;

const VARIABLE: &str = "ORTHRUS_MODEL";

/// What a model with random weights begins with, in place of a directory.
const SYNTHETIC: &str = "synthetic:";

/// Random weights, always the same ones.
pub(crate) const SYNTHETIC_SEED: u64 = 0;

/// Where a model comes from.
pub(crate) enum ModelSource {
    /// Files.
    Checkpoint(Box<Checkpoint>),
    /// Random weights in a true shape.
    Synthetic(Synthetic, Config),
}

impl ModelSource {
    /// What `named` names, or else the environment, or else the bundled model.
    pub(crate) fn open(named: Option<&Path>) -> Result<ModelSource> {
        let variable = || std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        let Some(named) = named.map(Path::to_path_buf).or_else(variable) else {
            return Ok(ModelSource::Checkpoint(Box::new(bundled_model::checkpoint()?)));
        };
        match named.to_str().and_then(|name| name.strip_prefix(SYNTHETIC)) {
            None => Ok(ModelSource::Checkpoint(Box::new(Checkpoint::open(named)?))),
            Some(name) => {
                let shape = Synthetic::named(name).ok_or_else(|| {
                    let names = Synthetic::ALL.map(|shape| format!("{SYNTHETIC}{}", shape.name));
                    CliError::usage(format!("there is no model {SYNTHETIC}{name}, only {}", names.join(", ")))
                })?;
                Ok(ModelSource::Synthetic(shape, shape.config()))
            }
        }
    }

    /// What people see: a synthetic model always says that it is one.
    pub(crate) fn name(&self) -> String {
        match self {
            ModelSource::Checkpoint(checkpoint) => checkpoint.name().to_owned(),
            ModelSource::Synthetic(shape, _) => format!("{SYNTHETIC}{} (random weights)", shape.name),
        }
    }

    pub(crate) fn config(&self) -> &Config {
        match self {
            ModelSource::Checkpoint(checkpoint) => checkpoint.config(),
            ModelSource::Synthetic(_, config) => config,
        }
    }

    pub(crate) fn views(&self) -> CheckpointViews {
        match self {
            ModelSource::Checkpoint(checkpoint) => checkpoint.views(),
            ModelSource::Synthetic(..) => CheckpointViews::Dual,
        }
    }

    pub(crate) fn generation(&self) -> GenerationConfig {
        match self {
            ModelSource::Checkpoint(checkpoint) => checkpoint.generation().clone(),
            ModelSource::Synthetic(..) => GenerationConfig::default(),
        }
    }

    /// Its files, if it has any.
    pub(crate) fn checkpoint(&self) -> Option<&Checkpoint> {
        match self {
            ModelSource::Checkpoint(checkpoint) => Some(checkpoint),
            ModelSource::Synthetic(..) => None,
        }
    }

    pub(crate) fn is_synthetic(&self) -> bool {
        self.checkpoint().is_none()
    }

    /// Opens the GPU that `args` ask for, says what will run where, and puts the weights there.
    pub(crate) fn model(&self, args: &ModelArgs) -> Result<Model> {
        match self {
            ModelSource::Checkpoint(checkpoint) => model(checkpoint, args),
            ModelSource::Synthetic(shape, _) => {
                let gpu = gpu(&self.name(), self.views(), args)?;
                Ok(Model::synthetic(&gpu, shape, SYNTHETIC_SEED, args.dtype)?)
            }
        }
    }
}

/// Opens the checkpoint in `directory`, or else the one that the environment names, or else the bundled one.
pub(crate) fn checkpoint(directory: Option<&Path>) -> Result<Checkpoint> {
    match ModelSource::open(directory)? {
        ModelSource::Checkpoint(checkpoint) => Ok(*checkpoint),
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
