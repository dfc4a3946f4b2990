//! Loading a checkpoint: every tensor to the GPU, checked first.

use std::ops::ControlFlow;

use orthrus_loader::{Checkpoint, TensorShape};
use orthrus_shaders::WeightFormat;

use super::data::{Model, check_supported};
use super::parts::{Parts, parts};
use super::progress::{OnProgress, Progress};
use super::sizes::SessionSizes;
use super::upload::Uploader;
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
        let (config, views) = (checkpoint.config().clone(), checkpoint.views());
        let mut loaded = Parts::default();
        for part in parts(&config, views) {
            match part.shape(&config) {
                TensorShape::Matrix { .. } => {
                    _ = loaded.matrices.insert(part.id(), upload.matrix(&part).await?);
                }
                TensorShape::Vector(_) => {
                    _ = loaded.vectors.insert(part.id(), upload.vector(&part).await?);
                }
            }
        }
        gpu.idle().await?;
        loaded.into_model(gpu, config, views, format, checkpoint.eos_token_ids())
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
