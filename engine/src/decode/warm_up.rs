//! Kernels compiled before there is a model to run them.

use orthrus_shaders::WeightFormat;

use crate::Result;
use crate::gpu::Gpu;
use crate::model::{Model, Synthetic};

impl Gpu {
    /// Compiles what greedy decoding takes, in both views, of any model in `format`: for programs that wait for a model
    /// meanwhile, as a page does for its download. On tier `coop` a model's shapes choose among kernels, and what it
    /// takes besides is compiled with its first session, as all is without this.
    ///
    /// # Errors
    /// The GPU is out of memory, or failed. Nothing is lost: a session compiles what is missing.
    pub async fn compile_ahead_async(&self, format: WeightFormat) -> Result<()> {
        // A session of the smallest model prepares every pass of greedy decoding: no list of kernels need be kept here.
        let model = Model::synthetic_async(self, &Synthetic::SMALLEST, 0, format).await?;
        model.session_async(1).await?;
        Ok(())
    }

    /// [`Gpu::compile_ahead_async`] for programs that are not async, in a thread of theirs.
    ///
    /// # Errors
    /// As [`Gpu::compile_ahead_async`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn compile_ahead(&self, format: WeightFormat) -> Result<()> {
        pollster::block_on(self.compile_ahead_async(format))
    }
}
