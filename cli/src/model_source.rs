//! Where a model comes from, and how it gets onto a GPU.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use orthrus::{Gpu, GpuOptions, Model, Synthetic};
use orthrus_loader::{Checkpoint, CheckpointViews, Config, GenerationConfig};

use crate::args::ModelArgs;
use crate::bundled_model;
use crate::error::{CliError, Result};
use crate::output::note;
use crate::progress_line::ProgressLine;

/// The environment variable that names the default model.
const MODEL_VARIABLE: &str = "ORTHRUS_MODEL";

/// The start of a model's name that asks for random weights instead of a directory.
const SYNTHETIC_PREFIX: &str = "synthetic:";

/// The seed of random weights. It is fixed, so that every run has the same weights.
const SYNTHETIC_SEED: u64 = 0;

/// Where a model comes from.
pub(crate) enum ModelSource {
    /// Files in the Hugging Face layout.
    Checkpoint(Box<Checkpoint>),
    /// Random weights in the shape of a published model.
    Synthetic(Synthetic, Config),
}

impl ModelSource {
    /// Opens the model called `name`. `None`: the model that the environment names, or else the bundled one.
    pub(crate) fn open(name: Option<&Path>) -> Result<ModelSource> {
        let variable =
            || std::env::var_os(MODEL_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        let Some(path) = name.map(Path::to_path_buf).or_else(variable) else {
            return Ok(ModelSource::Checkpoint(Box::new(bundled_model::checkpoint()?)));
        };
        match path.to_str().and_then(|name| name.strip_prefix(SYNTHETIC_PREFIX)) {
            None => Ok(ModelSource::Checkpoint(Box::new(Checkpoint::open(path)?))),
            Some(name) => {
                let shape = Synthetic::named(name).ok_or_else(|| {
                    let names = Synthetic::ALL.map(|shape| format!("{SYNTHETIC_PREFIX}{}", shape.name));
                    CliError::usage(format!(
                        "there is no model {SYNTHETIC_PREFIX}{name}, only {}",
                        names.join(", ")
                    ))
                })?;
                Ok(ModelSource::Synthetic(shape, shape.config()))
            }
        }
    }

    /// The name that users see. The name of a synthetic model says that its weights are random.
    pub(crate) fn name(&self) -> String {
        match self {
            ModelSource::Checkpoint(checkpoint) => checkpoint.name().to_owned(),
            ModelSource::Synthetic(shape, _) => format!("{SYNTHETIC_PREFIX}{} (random weights)", shape.name),
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

    /// The checkpoint. `None`: the model is synthetic.
    pub(crate) fn checkpoint(&self) -> Option<&Checkpoint> {
        match self {
            ModelSource::Checkpoint(checkpoint) => Some(checkpoint),
            ModelSource::Synthetic(..) => None,
        }
    }

    /// The checkpoint, for commands that write text. Refuses synthetic models.
    pub(crate) fn text_checkpoint(&self) -> Result<&Checkpoint> {
        self.checkpoint().ok_or_else(|| {
            CliError::usage(format!(
                "{} has no tokenizer and nothing to say: it is for `orthrus bench`, `verify` and `info`",
                self.name()
            ))
        })
    }

    pub(crate) fn is_synthetic(&self) -> bool {
        self.checkpoint().is_none()
    }

    /// Opens the GPU that `args` name and loads the weights. Tells stderr what runs where.
    pub(crate) fn load(&self, args: &ModelArgs) -> Result<Model> {
        let gpu = self.open_gpu(args)?;
        let model = match self {
            ModelSource::Checkpoint(checkpoint) => {
                let mut line = ProgressLine::new("loading weights");
                Model::load(&gpu, checkpoint, args.dtype, &mut |progress| {
                    line.show(progress);
                    ControlFlow::Continue(())
                })
            }
            ModelSource::Synthetic(shape, _) => Model::synthetic(&gpu, shape, SYNTHETIC_SEED, args.dtype),
        };
        Ok(model?)
    }

    fn open_gpu(&self, args: &ModelArgs) -> Result<Gpu> {
        let options = GpuOptions {
            adapter: args.adapter.clone(),
            tier: args.tier,
            // The tests of tier `coop` on a software adapter go through this program too.
            any_matrix_size: std::env::var_os("ORTHRUS_TEST_ANY_MATRIX").is_some(),
            ..GpuOptions::default()
        };
        let gpu = Gpu::open(&options)?;
        let views = match self.views() {
            CheckpointViews::Dual => "AR and diffusion view",
            CheckpointViews::ArOnly => "AR view only",
        };
        let adapter = gpu.adapter();
        note(format!(
            "model {} ({views}), {} weights, on {} ({}, {}), tier {}",
            self.name(),
            args.dtype.name(),
            adapter.name,
            adapter.backend,
            adapter.kind.name(),
            gpu.tier().name()
        ));
        Ok(gpu)
    }
}
