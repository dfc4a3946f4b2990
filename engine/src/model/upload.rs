//! Upload of weights to the GPU: they are converted, padded and put into tiles.

use half::f16;
use half::slice::HalfFloatSliceExt;
use orthrus_loader::{Checkpoint, Tensor, TensorId};
use orthrus_shaders::params::padded;
use orthrus_shaders::{PACK, TILE, WeightFormat, packs, tiled};

use super::matrix::{Matrix, Slab};
use super::parts::{Part, Stack};
use crate::gpu::{Buffer, Gpu};
use crate::{Error, Result};

/// Size of one write to the GPU, in bytes: about as much is converted at a time.
const STAGING: usize = 4 << 20;

/// Bytes that may be in flight before the upload waits. Until the GPU has copied them, they take host memory too.
const IN_FLIGHT: usize = 64 << 20;

/// Tensors of the same width, stacked to one matrix.
struct StackedRows<'a> {
    stack: Stack,
    /// Each tensor with its name.
    tensors: &'a [(String, Tensor<'a>)],
}

impl StackedRows<'_> {
    fn count(&self) -> usize {
        match self.stack {
            Stack::Whole => self.tensors.iter().map(|(_, tensor)| tensor.shape[0]).sum(),
            Stack::ByTurns => self.tensors.iter().map(|(_, tensor)| padded(tensor.shape[0])).sum(),
        }
    }

    /// The rows from `row` on that are consecutive in one tensor: `rows <= most`. `None`: `row` is padding.
    fn run(&self, row: usize, most: usize) -> Option<RowRange<'_>> {
        let (index, first, most) = match self.stack {
            Stack::Whole => {
                let (mut index, mut first) = (0, row);
                while first >= self.tensors[index].1.shape[0] {
                    first -= self.tensors[index].1.shape[0];
                    index += 1;
                }
                (index, first, most)
            }
            Stack::ByTurns => {
                let turn = row / TILE;
                let first = turn / self.tensors.len() * TILE + row % TILE;
                (turn % self.tensors.len(), first, most.min(TILE - row % TILE))
            }
        };
        let (name, tensor) = &self.tensors[index];
        let left = tensor.shape[0].checked_sub(first).filter(|left| *left > 0)?;
        Some(RowRange { name, tensor, first, rows: most.min(left) })
    }
}

/// Consecutive rows of a tensor that are consecutive in the matrix too.
struct RowRange<'a> {
    name: &'a str,
    tensor: &'a Tensor<'a>,
    first: usize,
    rows: usize,
}

/// A callback with the number of values just uploaded. An error from it ends the loading.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) type Advance<'a> = &'a mut (dyn FnMut(usize) -> Result<()> + Send);

/// A callback with the number of values just uploaded. An error from it ends the loading.
#[cfg(target_arch = "wasm32")]
pub(crate) type Advance<'a> = &'a mut dyn FnMut(usize) -> Result<()>;

/// The upload of a checkpoint's parts.
pub(crate) struct Uploader<'a> {
    pub(crate) gpu: &'a Gpu,
    pub(crate) checkpoint: &'a Checkpoint,
    pub(crate) format: WeightFormat,
    /// Bytes written since the upload last waited for the GPU.
    pub(crate) in_flight: usize,
    pub(crate) advance: Advance<'a>,
}

impl Uploader<'_> {
    /// Uploads a part's tensors as one matrix.
    pub(crate) async fn matrix(&mut self, part: &Part) -> Result<Matrix> {
        let tensor = |id: &TensorId| Ok((id.name(), self.checkpoint.tensor_of(*id)?));
        let tensors: Vec<(String, Tensor<'_>)> = part.tensors.iter().map(tensor).collect::<Result<_>>()?;
        let inputs = tensors[0].1.shape[1];
        let rows = StackedRows { stack: part.stack, tensors: &tensors };
        let matrix = Matrix::zeros(self.gpu, &tensors[0].0, rows.count(), inputs, self.format).await?;
        for slab in &matrix.slabs {
            self.slab(&rows, slab, inputs).await?;
        }
        Ok(matrix)
    }

    /// Uploads the rows of one slab, in tiles. Its padding is zero.
    async fn slab(&mut self, rows: &StackedRows<'_>, slab: &Slab, inputs: usize) -> Result<()> {
        let (width, pack_bytes) = (padded(inputs), PACK * self.format.bytes());
        let group_bytes = TILE * width * self.format.bytes();
        let rows_at_once = (STAGING / group_bytes).max(1) * TILE;
        let mut values = Vec::new();
        let mut padded_row = vec![0.0; width];
        let mut converted = Vec::with_capacity(width * self.format.bytes());
        for first in (0..slab.outputs).step_by(rows_at_once) {
            let count = rows_at_once.min(slab.outputs - first);
            let mut bytes = vec![0; count.div_ceil(TILE) * group_bytes];
            let mut row = 0;
            let mut read = 0;
            while row < count {
                let Some(run) = rows.run(slab.first + first + row, count - row) else {
                    row += 1;
                    continue;
                };
                values.resize(run.rows * inputs, 0.0);
                run.tensor.read_f32(run.first * inputs, &mut values)?;
                for (i, row_values) in values.chunks_exact(inputs).enumerate() {
                    padded_row[..inputs].copy_from_slice(row_values);
                    converted.clear();
                    self.convert(run.name, (run.first + i) * inputs, &padded_row, &mut converted)?;
                    for (pack, from) in converted.chunks_exact(pack_bytes).enumerate() {
                        let at = tiled(row + i, pack, packs(inputs)) * pack_bytes;
                        bytes[at..at + pack_bytes].copy_from_slice(from);
                    }
                }
                row += run.rows;
                read += run.rows;
            }
            self.gpu.write(&slab.buffer, (first / TILE * group_bytes) as u64, &bytes);
            self.in_flight += bytes.len();
            if self.in_flight > IN_FLIGHT {
                self.gpu.idle().await?;
                self.in_flight = 0;
            }
            (self.advance)(read * inputs)?;
        }
        Ok(())
    }

    fn convert(&self, tensor: &str, first: usize, values: &[f32], bytes: &mut Vec<u8>) -> Result<()> {
        check_finite(tensor, first, values)?;
        match self.format {
            WeightFormat::F32 => bytes.extend_from_slice(bytemuck::cast_slice(values)),
            WeightFormat::F16 => {
                let mut halves = vec![f16::ZERO; values.len()];
                halves.convert_from_f32_slice(values);
                if let Some(i) = halves.iter().position(|half| half.is_infinite()) {
                    let (tensor, element, value) = (tensor.to_string(), first + i, values[i]);
                    return Err(Error::WeightOverflow { tensor, element, value });
                }
                bytes.extend_from_slice(bytemuck::cast_slice(&halves));
            }
        }
        Ok(())
    }

    /// Uploads a part's vectors end to end. They are f32 in every format, because norms are small.
    pub(crate) async fn vector(&mut self, part: &Part) -> Result<Buffer> {
        let mut values = Vec::new();
        for id in &part.tensors {
            let tensor = self.checkpoint.tensor_of(*id)?;
            let from = values.len();
            values.resize(from + tensor.shape[0], 0.0);
            tensor.read_f32(0, &mut values[from..])?;
            check_finite(&id.name(), 0, &values[from..])?;
        }
        let count = values.len();
        // `matmul_row` reads whole tiles.
        values.resize(padded(count), 0.0);
        let label = part.id().name();
        let buffer = self.gpu.allocating(|| self.gpu.storage_with(&label, &values)).await?;
        (self.advance)(count)?;
        Ok(buffer)
    }
}

fn check_finite(tensor: &str, first: usize, values: &[f32]) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(i) => {
            let (tensor, element, value) = (tensor.to_string(), first + i, values[i]);
            Err(Error::WeightNotFinite { tensor, element, value })
        }
    }
}
