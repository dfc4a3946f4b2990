//! Weights on their way to the GPU: converted, padded and tiled.

use half::f16;
use half::slice::HalfFloatSliceExt;
use orthrus_loader::{Checkpoint, Tensor, TensorId};
use orthrus_shaders::params::padded;
use orthrus_shaders::{PACK, TILE, WeightFormat, packs, tiled};

use super::matrix::{Matrix, Slab};
use super::parts::{Part, Stack};
use crate::gpu::{Buffer, Gpu};
use crate::{Error, Result};

/// Bytes converted before they are handed to the GPU.
const STAGING: usize = 4 << 20;

/// Bytes handed to the GPU before waiting for it: until it has copied them, they lie in host memory too.
const IN_FLIGHT: usize = 64 << 20;

/// Tensors of the same width, in one matrix.
struct StackedRows<'a> {
    stack: Stack,
    /// Names and tensors.
    tensors: &'a [(String, Tensor<'a>)],
}

impl StackedRows<'_> {
    fn count(&self) -> usize {
        match self.stack {
            Stack::Whole => self.tensors.iter().map(|(_, tensor)| tensor.shape[0]).sum(),
            Stack::ByTurns => self.tensors.iter().map(|(_, tensor)| padded(tensor.shape[0])).sum(),
        }
    }

    /// The run of rows that `row` begins, `most` at most, in one tensor; `None` for a row of padding.
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

/// Rows of a tensor that follow one another in a matrix too.
struct RowRange<'a> {
    name: &'a str,
    tensor: &'a Tensor<'a>,
    first: usize,
    rows: usize,
}

/// Hears how many values are on the GPU. An error ends the loading.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) type Advance<'a> = &'a mut (dyn FnMut(usize) -> Result<()> + Send);

/// Hears how many values are on the GPU. An error ends the loading.
#[cfg(target_arch = "wasm32")]
pub(crate) type Advance<'a> = &'a mut dyn FnMut(usize) -> Result<()>;

/// Where loading stands, and who wants to know.
pub(crate) struct Uploader<'a> {
    pub(crate) gpu: &'a Gpu,
    pub(crate) checkpoint: &'a Checkpoint,
    pub(crate) format: WeightFormat,
    /// Bytes handed to the GPU since it was last waited for.
    pub(crate) in_flight: usize,
    /// Told of each number of values that is on the GPU. An error from it ends the loading.
    pub(crate) advance: Advance<'a>,
}

impl Uploader<'_> {
    /// A matrix of the part's tensors.
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

    /// Uploads the rows of one slab, in tiles. Its padding is zero already.
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

    /// The part's vectors end to end, in f32 whatever the format: norms are small, and read once a pass.
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
        // Whole tiles: `matmul_row` reads them so.
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
