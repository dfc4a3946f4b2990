//! Weights on their way to the GPU: converted, padded to whole chunks, split where a binding could not hold them.

use half::f16;
use half::slice::HalfFloatSliceExt;
use orthrus_loader::{Checkpoint, Tensor};
use orthrus_shaders::params::padded;
use orthrus_shaders::{Tile, WeightFormat};

use crate::gpu::Gpu;
use crate::{Error, Result};

/// Rows of a matrix that are in one buffer.
pub(crate) struct Piece {
    pub(crate) buffer: wgpu::Buffer,
    /// First row of the matrix.
    pub(crate) first: usize,
    pub(crate) outputs: usize,
}

/// A weight matrix `[outputs][inputs]`, or several of the same width one above the other.
pub(crate) struct Matrix {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) outputs: usize,
    pub(crate) inputs: usize,
}

/// Bytes converted before they are handed to the GPU.
const STAGING: usize = 4 << 20;

/// Bytes handed to the GPU before waiting for it: until it has copied them, they lie in host memory too.
const IN_FLIGHT: usize = 64 << 20;

/// A dimension of a grid has at most this many workgroups (core WebGPU).
const MAX_GROUPS: usize = 65_535;

/// Where loading stands, and who wants to know.
pub(crate) struct Uploader<'a> {
    pub(crate) gpu: &'a Gpu,
    pub(crate) checkpoint: &'a Checkpoint,
    pub(crate) format: WeightFormat,
    /// Bytes handed to the GPU since it was last waited for.
    pub(crate) in_flight: usize,
    /// Told of each number of values that is on the GPU. An error from it ends the loading.
    pub(crate) advance: &'a mut dyn FnMut(usize) -> Result<()>,
}

/// Rows of a matrix in one buffer at most, so that both its bytes and its grids keep within the limits.
pub(crate) fn rows_per_piece(inputs: usize, format: WeightFormat, max_binding: u64) -> usize {
    let row_bytes = padded(inputs) * format.bytes();
    (max_binding as usize / row_bytes).min(MAX_GROUPS * Tile::Row.outputs())
}

impl Uploader<'_> {
    /// The named tensors `[outputs][inputs]`, stacked into one matrix.
    pub(crate) async fn matrix(&mut self, names: &[&str]) -> Result<Matrix> {
        let tensors: Vec<Tensor<'_>> =
            names.iter().map(|name| self.checkpoint.tensor(name)).collect::<std::result::Result<_, _>>()?;
        let inputs = tensors[0].shape[1];
        let outputs = tensors.iter().map(|tensor| tensor.shape[0]).sum();
        let most = rows_per_piece(inputs, self.format, self.gpu.max_binding());
        let mut pieces = Vec::new();
        let mut first = 0;
        while first < outputs {
            let count = most.min(outputs - first);
            let bytes = count * padded(inputs) * self.format.bytes();
            let buffer = self.gpu.storage(names[0], bytes as u64)?;
            pieces.push(Piece { buffer, first, outputs: count });
            first += count;
        }
        let matrix = Matrix { pieces, outputs, inputs };
        let mut row = 0;
        for (name, tensor) in names.iter().zip(&tensors) {
            self.rows(name, tensor, &matrix, row).await?;
            row += tensor.shape[0];
        }
        Ok(matrix)
    }

    /// Uploads a tensor's rows as rows `first..` of `matrix`.
    async fn rows(&mut self, name: &str, tensor: &Tensor<'_>, matrix: &Matrix, first: usize) -> Result<()> {
        let (inputs, width) = (matrix.inputs, padded(matrix.inputs));
        let row_bytes = width * self.format.bytes();
        let rows_at_once = (STAGING / row_bytes).max(1);
        let mut values = vec![0.0; inputs];
        let mut row = 0;
        while row < tensor.shape[0] {
            let into = first + row;
            let Some(piece) = matrix.pieces.iter().rfind(|piece| piece.first <= into) else { break };
            let room = piece.first + piece.outputs - into;
            let count = rows_at_once.min(room).min(tensor.shape[0] - row);
            let mut bytes = Vec::with_capacity(count * row_bytes);
            for row in row..row + count {
                tensor.read_f32(row * inputs, &mut values);
                self.convert(name, row * inputs, &values, &mut bytes)?;
                bytes.resize(bytes.len().next_multiple_of(row_bytes), 0);
            }
            self.gpu.write(&piece.buffer, ((into - piece.first) * row_bytes) as u64, &bytes);
            self.in_flight += bytes.len();
            if self.in_flight > IN_FLIGHT {
                self.gpu.idle().await?;
                self.in_flight = 0;
            }
            (self.advance)(count * inputs)?;
            row += count;
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

    /// The named vectors end to end, in f32 whatever the format: norms are small, and read once a pass.
    pub(crate) fn vector(&mut self, names: &[&str]) -> Result<wgpu::Buffer> {
        let mut values = Vec::new();
        for name in names {
            let tensor = self.checkpoint.tensor(name)?;
            let from = values.len();
            values.resize(from + tensor.shape[0], 0.0);
            tensor.read_f32(0, &mut values[from..]);
            check_finite(name, 0, &values[from..])?;
        }
        let buffer = self.gpu.storage_with(names[0], &values)?;
        (self.advance)(values.len())?;
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
