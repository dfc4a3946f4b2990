//! Weight matrices on the GPU, in slabs that fit the adapter's limits.

use orthrus_shaders::params::{Matmul, padded};
use orthrus_shaders::{MATRIX_ROWS, MAX_WORKGROUPS, SplitK, WeightFormat};

use crate::Result;
use crate::gpu::{Buffer, Gpu};

/// A weight matrix `[outputs][inputs]`: one tensor, or several of the same width stacked.
pub(crate) struct Matrix {
    /// The slabs, in the order of their rows.
    pub(crate) slabs: Vec<Slab>,
    pub(crate) outputs: usize,
    pub(crate) inputs: usize,
    pub(crate) format: WeightFormat,
}

/// The rows of a matrix that are in one buffer.
pub(crate) struct Slab {
    pub(crate) buffer: Buffer,
    /// First row of the slab, in the matrix.
    pub(crate) first: usize,
    /// Number of rows of the slab.
    pub(crate) outputs: usize,
}

impl Matrix {
    /// Allocates a matrix of zeros.
    pub(crate) async fn zeros(
        gpu: &Gpu,
        label: &str,
        outputs: usize,
        inputs: usize,
        format: WeightFormat,
    ) -> Result<Matrix> {
        let rows = rows_per_slab(inputs, format, gpu.max_binding());
        let make = || -> Result<Vec<Slab>> {
            let mut slabs = Vec::new();
            for first in (0..outputs).step_by(rows) {
                let count = rows.min(outputs - first);
                let bytes = matrix_bytes(count, inputs, format);
                slabs.push(Slab { buffer: gpu.storage(label, bytes)?, first, outputs: count });
            }
            Ok(slabs)
        };
        Ok(Matrix { slabs: gpu.allocating(make).await?, outputs, inputs, format })
    }
}

/// Size of a matrix on the GPU, in bytes. Rows are padded to whole [`MATRIX_ROWS`], columns to whole tiles.
pub(crate) fn matrix_bytes(outputs: usize, inputs: usize, format: WeightFormat) -> u64 {
    let rows = outputs.next_multiple_of(MATRIX_ROWS) as u64;
    rows * padded(inputs) as u64 * format.bytes() as u64
}

/// Largest number of rows of a slab: its bytes fit a binding, and its grids fit WebGPU's limit.
fn rows_per_slab(inputs: usize, format: WeightFormat, max_binding: u64) -> usize {
    let row_bytes = padded(inputs) * format.bytes();
    let max_binding = usize::try_from(max_binding).unwrap_or(usize::MAX);
    let grid_rows = MAX_WORKGROUPS * Matmul::outputs_per_group(SplitK::ThirtyTwo);
    (max_binding / row_bytes).min(grid_rows) / MATRIX_ROWS * MATRIX_ROWS
}
