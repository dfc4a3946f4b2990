//! Loading a checkpoint: every tensor to the GPU, checked first.

use std::ops::ControlFlow;
use std::sync::Arc;

use orthrus_loader::{Checkpoint, CheckpointViews};
use orthrus_shaders::WeightFormat;

use super::data::{Attention, Layer, Model, ModelData, check_supported};
use super::progress::{OnProgress, Progress};
use super::sizes::SessionSizes;
use super::upload::{Stack, Uploader};
use crate::gpu::Gpu;
use crate::{Error, Result};

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
        let shared = ModelData {
            gpu: gpu.clone(),
            end_ids: checkpoint.eos_token_ids(),
            config,
            format,
            layouts: gpu.layouts(format),
            rope: Default::default(),
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
}

/// Whether the adapter's limits have room for the least session there can be. What has room for its activations has
/// room for the weights too, which are made in pieces of fewer rows.
fn check_fits(gpu: &Gpu, checkpoint: &Checkpoint, format: WeightFormat) -> Result<()> {
    let sizes = SessionSizes::new(checkpoint.config(), checkpoint.views(), 1, gpu.layouts(format));
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
        CheckpointViews::Dual => Some(attention(upload, index, "_diff").await?),
        CheckpointViews::ArOnly => None,
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
