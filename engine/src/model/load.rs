//! Loading a checkpoint to the GPU.

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
    /// Loads a checkpoint's weights to a GPU, in `format`.
    ///
    /// Norms stay in f32. [`WeightFormat::F16`] rounds each other weight to the nearest f16. It keeps bf16 weights
    /// exactly down to 2⁻¹⁷ in magnitude, and turns weights below 2⁻²⁵ into zero. A weight beyond f16's largest
    /// value, 65504, is an error.
    ///
    /// # Errors
    /// Before any weight is read: the model exceeds a limit of the kernels or of the adapter. Later: a weight
    /// cannot be read or does not fit the format; the GPU is out of memory, or failed; `progress` cancelled.
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
    /// The errors of [`Model::load_async`].
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

/// Checks that the adapter's limits allow the smallest session, of one position. A limit that allows its
/// activations also allows the weights, since slabs divide them.
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
