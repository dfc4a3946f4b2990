//! One tensor: bytes of a checkpoint with an element type and a shape.

use std::fmt;

use half::f16;
use half::slice::HalfFloatSliceExt;

/// The type of a tensor's elements, stored little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of an F32.
    Bf16,
}

impl Dtype {
    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::Bf16 => 2,
        }
    }

    /// The type as safetensors names it, if it is one that a model's weights may have.
    pub(crate) fn from_safetensors(dtype: safetensors::Dtype) -> Option<Dtype> {
        match dtype {
            safetensors::Dtype::F32 => Some(Dtype::F32),
            safetensors::Dtype::F16 => Some(Dtype::F16),
            safetensors::Dtype::BF16 => Some(Dtype::Bf16),
            _ => None,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dtype::F32 => "f32",
            Dtype::F16 => "f16",
            Dtype::Bf16 => "bf16",
        })
    }
}

/// A tensor of a checkpoint, read in place.
///
/// `bytes` holds exactly as many bytes as `shape` and `dtype` need, in row-major order. They may lie at any address,
/// aligned or not.
#[derive(Debug, Clone, Copy)]
pub struct Tensor<'a> {
    /// The type of the elements.
    pub dtype: Dtype,
    /// The size of each dimension, slowest first.
    pub shape: &'a [usize],
    /// The elements.
    pub bytes: &'a [u8],
}

impl Tensor<'_> {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.dtype.size()
    }

    /// Whether there are no elements: never so for a tensor of a [`Checkpoint`](crate::Checkpoint).
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Decodes the elements `first_element .. first_element + out.len()` (in row-major order) to f32, exactly.
    ///
    /// # Panics
    ///
    /// Where that reaches beyond the last element, as slicing does.
    pub fn read_f32(&self, first_element: usize, out: &mut [f32]) {
        let size = self.dtype.size();
        let bytes = &self.bytes[first_element * size..][..out.len() * size];
        match self.dtype {
            Dtype::F32 => {
                for (value, raw) in out.iter_mut().zip(bytes.as_chunks().0) {
                    *value = f32::from_le_bytes(*raw);
                }
            }
            Dtype::F16 => read_f16(bytes, out),
            Dtype::Bf16 => {
                for (value, raw) in out.iter_mut().zip(bytes.as_chunks().0) {
                    *value = f32::from_bits(u32::from(u16::from_le_bytes(*raw)) << 16);
                }
            }
        }
    }
}

/// A block at a time, because `half` converts slices with the processor's instructions for it.
fn read_f16(bytes: &[u8], out: &mut [f32]) {
    let mut block = [f16::ZERO; 256];
    for (out, bytes) in out.chunks_mut(block.len()).zip(bytes.chunks(2 * block.len())) {
        for (value, raw) in block.iter_mut().zip(bytes.as_chunks().0) {
            *value = f16::from_le_bytes(*raw);
        }
        block[..out.len()].convert_to_f32_slice(out);
    }
}
