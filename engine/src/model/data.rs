//! A model's weights on the GPU, under the paper's names.

use std::sync::Arc;

use orthrus_loader::{CheckpointViews, Config};
use orthrus_shaders::{MAX_BLOCK, MAX_HEAD_DIM, MAX_VOCABULARY, WeightFormat};

use super::matrix::Matrix;
use super::rope::RopeTable;
use crate::gpu::{Buffer, Gpu, Layouts};
use crate::{Error, Result};

/// A model on the GPU, ready for sessions. Clones share the weights.
#[derive(Clone)]
pub struct Model {
    pub(crate) shared: Arc<ModelData>,
}

/// The weights of a checkpoint on the GPU, with its configuration.
pub(crate) struct ModelData {
    pub(crate) gpu: Gpu,
    pub(crate) config: Config,
    pub(crate) format: WeightFormat,
    pub(crate) layouts: Layouts,
    pub(crate) rope: RopeTable,
    /// `[vocabulary][hidden]`.
    pub(crate) embedding: Matrix,
    pub(crate) layers: Vec<Layer>,
    pub(crate) final_norm: Buffer,
    /// `[vocabulary][hidden]`. `None`: the head is tied to the embedding.
    pub(crate) untied_head: Option<Matrix>,
    pub(crate) views: CheckpointViews,
    pub(crate) end_ids: Vec<u32>,
}

/// A decoder layer: attention weights of two views, and one MLP.
pub(crate) struct Layer {
    pub(crate) input_norm: Buffer,
    pub(crate) ar: Attention,
    pub(crate) diffusion: Option<Attention>,
    pub(crate) post_attention_norm: Buffer,
    /// Gate and up projections in turns: a tile of 16 rows of the gate, then one of the up projection.
    pub(crate) gate_up: Matrix,
    pub(crate) down: Matrix,
}

/// The attention weights of one view.
pub(crate) struct Attention {
    /// Query, key and value projections, one above the other.
    pub(crate) qkv: Matrix,
    /// q_norm, then k_norm.
    pub(crate) qk_norms: Buffer,
    pub(crate) output: Matrix,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("config", self.config()).field("format", &self.format()).finish()
    }
}

impl Model {
    pub(crate) fn new(data: ModelData) -> Model {
        Model { shared: Arc::new(data) }
    }

    /// The checkpoint's configuration.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// The views that the checkpoint has.
    pub fn views(&self) -> CheckpointViews {
        self.shared.views
    }

    /// The format of the weight matrices.
    pub fn format(&self) -> WeightFormat {
        self.shared.format
    }

    /// The GPU that the weights are on.
    pub fn gpu(&self) -> &Gpu {
        &self.shared.gpu
    }
}

impl ModelData {
    /// The output projection, `[vocabulary][hidden]`.
    pub(crate) fn head(&self) -> &Matrix {
        self.untied_head.as_ref().unwrap_or(&self.embedding)
    }
}

/// Checks that the model is within the limits of the kernels, which run without bounds checks.
pub(crate) fn check_supported(config: &Config) -> Result<()> {
    let limits = [
        ("a block of", config.block_size, MAX_BLOCK),
        ("heads of", config.head_dim, MAX_HEAD_DIM),
        ("a vocabulary of", config.vocab_size, MAX_VOCABULARY),
    ];
    match limits.into_iter().find(|(_, found, most)| found > most) {
        Some((what, found, most)) => Err(Error::Unsupported { what, found, most }),
        None => Ok(()),
    }
}
