//! Compilation of kernels before there is a model to run them.

use orthrus_shaders::WeightFormat;

use crate::Result;
use crate::gpu::Gpu;
use crate::model::{Model, Synthetic};

impl Gpu {
    /// Compiles the kernels of greedy decoding, in both views, for any model in `format`. Programs can call it
    /// while a model downloads.
    ///
    /// On tier `coop`, a model's shapes choose among kernels. Its first session compiles those that are still
    /// missing.
    ///
    /// # Errors
    /// The GPU is out of memory, or failed. A session can still compile what it needs.
    pub async fn compile_ahead_async(&self, format: WeightFormat) -> Result<()> {
        // A session of the smallest model prepares every pass of greedy decoding. So no list of kernels is needed
        // here.
        let model = Model::synthetic_async(self, &Synthetic::SMALLEST, 0, format).await?;
        model.session_async(1).await?;
        Ok(())
    }

    /// [`Gpu::compile_ahead_async`] for programs that are not async. It blocks, so call it on a thread of its own.
    ///
    /// # Errors
    /// The errors of [`Gpu::compile_ahead_async`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn compile_ahead(&self, format: WeightFormat) -> Result<()> {
        pollster::block_on(self.compile_ahead_async(format))
    }
}
