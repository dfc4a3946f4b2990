//! A checkpoint's weights on the GPU.

use std::ops::ControlFlow;
use std::sync::Arc;

use orthrus_loader::{Checkpoint, Config, Views};
use orthrus_shaders::{Cache, MAX_BLOCK, MAX_HEAD_DIM, MAX_VOCABULARY, WeightFormat};

use crate::buffer::Buffer;
use crate::gpu::Gpu;
use crate::memory::SessionSizes;
use crate::weights::{Matrix, Stack, Uploader};
use crate::{Error, Result};

/// How far long-running work is. Return `ControlFlow::Break` to cancel it.
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// How far long-running work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Done: weights when loading, tokens when processing a prompt.
    pub done: u64,
    /// Of these.
    pub total: u64,
}

/// A progress callback for those who do not care.
pub fn no_progress(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// A model, ready to decode. Clones share the weights.
#[derive(Clone)]
pub struct Model {
    pub(crate) shared: Arc<Weights>,
}

/// Everything of a checkpoint that is on the GPU, in the paper's words.
pub(crate) struct Weights {
    pub(crate) gpu: Gpu,
    pub(crate) config: Config,
    pub(crate) format: WeightFormat,
    /// How queries, keys and values are stored, and with them all that cooperative matrices read.
    pub(crate) cache: Cache,
    pub(crate) embedding: Matrix,
    pub(crate) layers: Vec<Layer>,
    pub(crate) final_norm: Buffer,
    /// `None`: tied to the embedding.
    pub(crate) untied_head: Option<Matrix>,
    pub(crate) views: Views,
    pub(crate) end_ids: Vec<u32>,
}

/// A decoder layer: two views of attention, one MLP.
pub(crate) struct Layer {
    pub(crate) input_norm: Buffer,
    pub(crate) ar: Attention,
    pub(crate) diffusion: Option<Attention>,
    pub(crate) post_attention_norm: Buffer,
    /// Gate and up by turns, sixteen rows of each.
    pub(crate) gate_up: Matrix,
    pub(crate) down: Matrix,
}

/// One view's own weights.
pub(crate) struct Attention {
    /// Queries above keys above values.
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
    /// Puts a checkpoint's weights on a GPU, in `format`.
    ///
    /// Norms stay in f32. With [`WeightFormat::F16`], a weight that is not an f16 (most f32, and a bf16 below
    /// 2⁻¹⁷ in magnitude) is rounded to the nearest one, which below 2⁻²⁵ is zero; one beyond the largest, 65504, is
    /// an error.
    ///
    /// # Errors
    /// The model is beyond what the kernels support or the adapter's limits allow, which is found before any weight is
    /// read; a weight does not fit the format or cannot be read, the GPU is out of memory, or `progress` cancelled.
    pub async fn load_async(
        gpu: &Gpu,
        checkpoint: &Checkpoint,
        format: WeightFormat,
        progress: OnProgress<'_>,
    ) -> Result<Model> {
        check_supported(checkpoint.config())?;
        check_fits(gpu, checkpoint, format)?;
        let total = checkpoint.tensors().map(|(_, tensor)| tensor.len() as u64).sum();
        let mut done = 0;
        let mut advance = |values: usize| {
            gpu.check()?;
            done += values as u64;
            match progress(Progress { done, total }) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(Error::Cancelled),
            }
        };
        let mut upload = Uploader { gpu, checkpoint, format, in_flight: 0, advance: &mut advance };
        let config = checkpoint.config().clone();
        let embedding = upload.matrix(Stack::Whole, &["model.embed_tokens.weight"]).await?;
        let mut layers = Vec::with_capacity(config.num_hidden_layers);
        for index in 0..config.num_hidden_layers {
            layers.push(layer(&mut upload, index).await?);
        }
        let final_norm = upload.vector(&["model.norm.weight"]).await?;
        let untied_head = if config.tie_word_embeddings {
            None
        } else {
            Some(upload.matrix(Stack::Whole, &["lm_head.weight"]).await?)
        };
        gpu.idle().await?;
        let shared = Weights {
            gpu: gpu.clone(),
            end_ids: checkpoint.eos_token_ids(),
            config,
            format,
            cache: gpu.cache(format),
            embedding,
            layers,
            final_norm,
            untied_head,
            views: checkpoint.views(),
        };
        Ok(Model { shared: Arc::new(shared) })
    }

    /// [`Model::load_async`] for programs that are not async.
    ///
    /// # Errors
    /// As [`Model::load_async`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn load(
        gpu: &Gpu,
        checkpoint: &Checkpoint,
        format: WeightFormat,
        progress: OnProgress<'_>,
    ) -> Result<Model> {
        pollster::block_on(Model::load_async(gpu, checkpoint, format, progress))
    }

    /// The checkpoint's configuration.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// The views the checkpoint has.
    pub fn views(&self) -> Views {
        self.shared.views
    }

    /// How the weights are stored.
    pub fn format(&self) -> WeightFormat {
        self.shared.format
    }

    /// The GPU they are on.
    pub fn gpu(&self) -> &Gpu {
        &self.shared.gpu
    }
}

impl Weights {
    /// The output projection.
    pub(crate) fn head(&self) -> &Matrix {
        self.untied_head.as_ref().unwrap_or(&self.embedding)
    }
}

/// Kernels run without bounds checks, so that what they assume of a model is checked here.
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

/// Whether the adapter's limits have room for the least session there can be. What has room for its activations has
/// room for the weights too, which are made in pieces of fewer rows.
fn check_fits(gpu: &Gpu, checkpoint: &Checkpoint, format: WeightFormat) -> Result<()> {
    let sizes = SessionSizes::new(checkpoint.config(), checkpoint.views(), 1, gpu.cache(format));
    let (needed, limit) = (sizes.largest_buffer(), gpu.max_binding());
    if needed <= limit {
        return Ok(());
    }
    let what = "a session of one position".to_string();
    let advice = "Another adapter may allow more".to_string();
    Err(Error::TooLarge { what, needed, limit, adapter: gpu.adapter().name.clone(), advice })
}

async fn layer(upload: &mut Uploader<'_>, index: usize) -> Result<Layer> {
    let name = |part: &str| format!("model.layers.{index}.{part}.weight");
    let diffusion = match upload.checkpoint.views() {
        Views::Dual => Some(attention(upload, index, "_diff").await?),
        Views::ArOnly => None,
    };
    Ok(Layer {
        input_norm: upload.vector(&[&name("input_layernorm")]).await?,
        ar: attention(upload, index, "").await?,
        diffusion,
        post_attention_norm: upload.vector(&[&name("post_attention_layernorm")]).await?,
        gate_up: upload.matrix(Stack::ByTurns, &[&name("mlp.gate_proj"), &name("mlp.up_proj")]).await?,
        down: upload.matrix(Stack::Whole, &[&name("mlp.down_proj")]).await?,
    })
}

async fn attention(upload: &mut Uploader<'_>, index: usize, suffix: &str) -> Result<Attention> {
    let name = |part: &str| format!("model.layers.{index}.self_attn.{part}{suffix}.weight");
    Ok(Attention {
        qkv: upload.matrix(Stack::Whole, &[&name("q_proj"), &name("k_proj"), &name("v_proj")]).await?,
        qk_norms: upload.vector(&[&name("q_norm"), &name("k_norm")]).await?,
        output: upload.matrix(Stack::Whole, &[&name("o_proj")]).await?,
    })
}
