//! [`Checkpoint`]: a configuration and weights that fit each other.

pub(crate) mod config;
pub(crate) mod generation;
mod header;
pub(crate) mod schema;
pub(crate) mod tensor;
mod weights;

use std::collections::HashMap;
use std::fmt;
#[cfg(not(target_arch = "wasm32"))]
use std::path::Path;

use crate::checkpoint::config::Config;
use crate::checkpoint::generation::GenerationConfig;
use crate::checkpoint::schema::{
    AttentionView, CheckpointViews, TensorId, TensorShape, is_diffusion, schema,
};
use crate::checkpoint::tensor::{Dtype, Tensor};
use crate::checkpoint::weights::{Stored, Weights};
use crate::error::LoadError;
use crate::files::{FileContents, Folder};
use crate::json::{self, Fields, shown};

/// A checkpoint whose configuration and tensors have passed every check.
///
/// Its [`Tensor`]s are views of the files. Opening copies no weights, and reads none from disk.
pub struct Checkpoint {
    folder: Folder,
    config: Config,
    generation: GenerationConfig,
    views: CheckpointViews,
    weights: Weights,
    /// The model's tensors, in the order of the schema.
    tensors: Vec<ModelTensor>,
    by_name: HashMap<String, usize>,
}

struct ModelTensor {
    name: String,
    dtype: Dtype,
    stored: Stored,
}

impl Checkpoint {
    /// Opens a checkpoint directory in the Hugging Face layout.
    ///
    /// Checks configuration and weights. The methods `tokenizer` and `chat_template` check the text side.
    ///
    /// The weights are memory-mapped. The system reads them from disk on first use and can drop them again.
    /// No program may truncate or rewrite a weights file in place while the checkpoint lives, or this process may
    /// crash. Replacing a file by another of the same name is harmless.
    ///
    /// # Errors
    /// The directory holds no checkpoint, or a malformed one.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open(dir: impl AsRef<Path>) -> Result<Checkpoint, LoadError> {
        Checkpoint::from_folder(Folder::on_disk(dir.as_ref())?)
    }

    /// Opens a checkpoint from files in memory or behind readers, with the same checks.
    ///
    /// `files` pairs each file's name, such as `config.json`, with its contents. Errors show `name` in place of a
    /// directory. Use it for a model inside the program, or in a browser.
    ///
    /// # Errors
    /// The files are no checkpoint, or a malformed one, or a name is given twice.
    pub fn from_files(
        name: &str,
        files: Vec<(String, impl Into<FileContents>)>,
    ) -> Result<Checkpoint, LoadError> {
        let files = files.into_iter().map(|(name, contents)| (name, contents.into()));
        Checkpoint::from_folder(Folder::given(name, files)?)
    }

    fn from_folder(mut folder: Folder) -> Result<Checkpoint, LoadError> {
        let config_file = folder.path(config::FILE);
        let Some(bytes) = folder.text(config::FILE)? else {
            let (dir, file) = (folder.label().into(), config::FILE.into());
            return Err(LoadError::MissingFile { dir, file, purpose: "the model's configuration" });
        };
        let config_json = json::object(&config_file, &bytes)?;
        drop(bytes);
        let config = Config::read(Fields::new(&config_file, &config_json))?;
        let generation = read_generation(&folder, config.vocab_size)?;
        let mut weights = Weights::open(&mut folder)?;
        let views =
            if weights.names().any(is_diffusion) { CheckpointViews::Dual } else { CheckpointViews::ArOnly };
        if views == CheckpointViews::Dual {
            config::require_dual(&config_file, &config_json)?;
        }
        check_sizes(&config, views, &config_file)?;
        let tensors = match_tensors(&mut weights, schema(&config, views))?;
        warn_of_others(&weights, &config);
        let by_name = tensors.iter().enumerate().map(|(i, tensor)| (tensor.name.clone(), i)).collect();
        Ok(Checkpoint { folder, config, generation, views, weights, tensors, by_name })
    }

    /// The model's configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The sampling settings that the model's makers suggest.
    pub fn generation(&self) -> &GenerationConfig {
        &self.generation
    }

    /// The views that the checkpoint holds.
    pub fn views(&self) -> CheckpointViews {
        self.views
    }

    /// The directory, or the name given to [`from_files`](Self::from_files).
    pub fn name(&self) -> &str {
        self.folder.label()
    }

    /// The tokens that end a text.
    ///
    /// The tokens of `generation_config.json` come first, then the further ones of `config.json`.
    pub fn eos_token_ids(&self) -> Vec<u32> {
        let mut ids = self.generation.eos_token_ids.clone();
        ids.extend(self.config.eos_token_ids.iter().filter(|id| !self.generation.eos_token_ids.contains(id)));
        ids
    }

    /// The model's tensor of this name, with the shape that the configuration implies.
    ///
    /// A tied model has no `lm_head.weight`, even where the file holds one. Its head is the embedding; see
    /// [`TensorId::head_of`].
    ///
    /// # Errors
    /// The model has no tensor of this name.
    pub fn tensor(&self, name: &str) -> Result<Tensor<'_>, LoadError> {
        match self.by_name.get(name) {
            Some(i) => Ok(self.view(&self.tensors[*i])),
            None => Err(LoadError::NoSuchTensor { dir: self.folder.label().into(), tensor: shown(name) }),
        }
    }

    /// The model's tensor of this identity.
    ///
    /// # Errors
    /// The model lacks that layer, has no diffusion view, or has no head of its own.
    pub fn tensor_of(&self, id: TensorId) -> Result<Tensor<'_>, LoadError> {
        self.tensor(&id.name())
    }

    /// The model's tensors by name, in the order of [`schema`].
    pub fn tensors(&self) -> impl Iterator<Item = (&str, Tensor<'_>)> {
        self.tensors.iter().map(|tensor| (tensor.name.as_str(), self.view(tensor)))
    }

    /// The directory of the checkpoint. The weights have left it.
    #[cfg(feature = "text")]
    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    fn view<'a>(&'a self, tensor: &'a ModelTensor) -> Tensor<'a> {
        let ModelTensor { dtype, stored, .. } = tensor;
        Tensor { dtype: *dtype, shape: &stored.shape, bytes: self.weights.bytes(stored) }
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Checkpoint");
        out.field("name", &self.name()).field("views", &self.views).field("config", &self.config);
        out.finish_non_exhaustive()
    }
}

fn read_generation(folder: &Folder, vocab_size: usize) -> Result<GenerationConfig, LoadError> {
    let Some(bytes) = folder.text(generation::FILE)? else { return Ok(GenerationConfig::default()) };
    let file = folder.path(generation::FILE);
    let json = json::object(&file, &bytes)?;
    GenerationConfig::read(Fields::new(&file, &json), vocab_size)
}

/// Checks that each tensor's elements can be indexed, and that its bytes in f32 fit a file.
fn check_sizes(config: &Config, views: CheckpointViews, config_file: &str) -> Result<(), LoadError> {
    for (id, shape) in schema(config, views) {
        let bytes = shape.elements().saturating_mul(4);
        if bytes > i64::MAX as u64 || bytes / 4 > isize::MAX as u64 {
            let (file, shape) = (config_file.to_owned(), shape.dims());
            return Err(LoadError::ConfigTooLarge { file, tensor: id.name(), shape });
        }
    }
    Ok(())
}

/// Takes each expected tensor out of the weights and checks its type and shape.
fn match_tensors(
    weights: &mut Weights,
    expected: impl Iterator<Item = (TensorId, TensorShape)>,
) -> Result<Vec<ModelTensor>, LoadError> {
    let mut tensors = Vec::new();
    for (id, shape) in expected {
        let (name, shape) = (id.name(), shape.dims());
        let Some(stored) = weights.take(&name) else {
            let (file, tensor) = (weights.listing().into(), name);
            return Err(match id.view() {
                Some(AttentionView::Diffusion) => LoadError::MissingDiffusionTensor { file, tensor, shape },
                _ => LoadError::MissingTensor { file, tensor, shape },
            });
        };
        let file = || weights.path(&stored).to_owned();
        let Some(dtype) = Dtype::from_safetensors(stored.dtype) else {
            return Err(LoadError::WrongDtype {
                file: file(),
                tensor: name,
                found: stored.dtype.to_string(),
            });
        };
        if stored.shape != shape {
            let found = stored.shape.clone();
            return Err(LoadError::WrongShape { file: file(), tensor: name, expected: shape, found });
        }
        tensors.push(ModelTensor { name, dtype, stored });
    }
    Ok(tensors)
}

/// Warns of the tensors that are left after [`match_tensors`].
fn warn_of_others(weights: &Weights, config: &Config) {
    let file = weights.listing();
    let head = TensorId::Head.name();
    let (heads, mut others): (Vec<&str>, Vec<&str>) =
        weights.names().partition(|name| *name == head && config.tie_word_embeddings);
    if !heads.is_empty() {
        tracing::warn!("{file}: tensor {head}: ignored, because config.json ties it to the embedding");
    }
    others.sort_unstable();
    if let Some(first) = others.first() {
        let (count, first) = (others.len(), shown(first));
        tracing::warn!(
            "{file}: tensor {first}: ignored, because this model has no such tensor ({count} in all)"
        );
    }
}
