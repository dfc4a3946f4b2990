//! Dispatching a kernel by itself, for kernel tests and benchmarks. Decoding does not use this.

use bytemuck::Pod;
use orthrus_shaders::Kernel;
use orthrus_shaders::params::Grid;

use crate::Result;
use crate::gpu::{Buffer, Gpu};

/// A buffer that a kernel is dispatched with.
#[derive(Clone, Debug)]
pub struct Operand(Buffer);

impl Gpu {
    /// The kernels compiled so far.
    pub fn compiled_kernels(&self) -> Vec<Kernel> {
        self.kernels()
    }

    /// Makes the driver refuse one of the buffers or pipelines that are made next. Tests then look at what is left.
    pub fn refuse_next_allocation(&self) {
        self.refuse_next();
    }

    /// A storage buffer with `contents`.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge): `contents` is larger than the adapter can bind.
    pub fn operand<T: Pod>(&self, contents: &[T]) -> Result<Operand> {
        self.storage_with("operand", contents).map(Operand)
    }

    /// A uniform buffer with `params`.
    pub fn params<T: Pod>(&self, params: &T) -> Operand {
        Operand(self.uniform("params", params))
    }

    /// Dispatches `kernel` over `grid`, `times` times in one submission, and waits until it is done.
    ///
    /// # Errors
    /// The GPU failed, or the kernel names a buffer that `operands` lacks.
    ///
    /// # Safety
    /// Kernels run without bounds checks. `operands` must be as large as the kernel's contract says for these
    /// parameters, state and `grid`. The contract is the header of the kernel's file.
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

    /// Reads the first `count` values of a storage buffer.
    ///
    /// # Errors
    /// The GPU failed.
    pub async fn contents<T: Pod>(&self, operand: &Operand, count: usize) -> Result<Vec<T>> {
        self.read(&operand.0, count).await
    }
}
