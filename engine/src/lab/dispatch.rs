//! Running one kernel by itself: for kernel tests and benchmarks. Decoding does not come through here.

use bytemuck::Pod;
use orthrus_shaders::Kernel;
use orthrus_shaders::params::Grid;

use crate::Result;
use crate::gpu::{Buffer, Gpu};

/// A buffer for a kernel run by itself.
#[derive(Clone, Debug)]
pub struct Operand(Buffer);

impl Gpu {
    /// The kernels that this GPU compiled so far.
    pub fn compiled_kernels(&self) -> Vec<Kernel> {
        self.kernels()
    }

    /// Makes the driver refuse one of the next buffers or pipelines that are made together. For tests of what is left
    /// afterwards.
    pub fn refuse_next_allocation(&self) {
        self.refuse_next();
    }

    /// A storage buffer with these contents.
    ///
    /// # Errors
    /// It is larger than the adapter can bind.
    pub fn operand<T: Pod>(&self, contents: &[T]) -> Result<Operand> {
        self.storage_with("operand", contents).map(Operand)
    }

    /// A uniform buffer with these contents.
    pub fn params<T: Pod>(&self, params: &T) -> Operand {
        Operand(self.uniform("params", params))
    }

    /// Runs `kernel` `times` times over `grid`, one after the other, and waits until it is done.
    ///
    /// # Errors
    /// The GPU failed, or the kernel names a buffer that `operands` lacks.
    ///
    /// # Safety
    /// Kernels run without bounds checks. `operands` must be as large as the kernel's contract (the head of its file)
    /// says for what the parameters, the state and `grid` say.
    pub async unsafe fn dispatch(
        &self,
        kernel: Kernel,
        operands: &[(&str, &Operand)],
        grid: Grid,
        times: usize,
    ) -> Result<()> {
        let buffers: Vec<(&str, &Buffer)> =
            operands.iter().map(|(name, operand)| (*name, &operand.0)).collect();
        let prepare = || Ok((self.pipeline(kernel).pipeline, self.bind(kernel, &buffers)?));
        let (pipeline, group) = self.allocating(prepare).await?;
        self.submit(|encoder| {
            let mut commands = encoder.begin_compute_pass(&Default::default());
            commands.set_pipeline(&pipeline);
            commands.set_bind_group(0, &*group, &[]);
            for _ in 0..times {
                commands.dispatch_workgroups(grid[0], grid[1], grid[2]);
            }
        });
        self.idle().await
    }

    /// The first `count` values of a storage buffer.
    ///
    /// # Errors
    /// The GPU failed.
    pub async fn contents<T: Pod>(&self, operand: &Operand, count: usize) -> Result<Vec<T>> {
        self.read(&operand.0, count).await
    }
}
