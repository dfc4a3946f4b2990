//! One tensor: bytes of a checkpoint with an element type and a shape.

use std::fmt;
use std::ops::Range;

use half::f16;
use half::slice::HalfFloatSliceExt;

use crate::error::LoadError;
use crate::files::FileContents;

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

/// A tensor of a checkpoint, in its file: a view, and cheap to copy around.
///
/// The file holds exactly as many bytes as `shape` and `dtype` need, in row-major order.
#[derive(Debug, Clone)]
pub struct Tensor<'a> {
    /// The type of the elements.
    pub dtype: Dtype,
    /// The size of each dimension, slowest first.
    pub shape: &'a [usize],
    pub(crate) stretch: Stretch<'a>,
}

/// A range of a file.
#[derive(Debug, Clone)]
pub(crate) struct Stretch<'a> {
    pub(crate) path: &'a str,
    pub(crate) contents: &'a FileContents,
    pub(crate) range: Range<u64>,
}

impl Tensor<'_> {
    /// Size in the file, in bytes.
    pub fn byte_len(&self) -> u64 {
        self.stretch.range.end - self.stretch.range.start
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        (self.byte_len() / self.dtype.size() as u64) as usize
    }

    /// Whether there are no elements: never so for a tensor of a [`Checkpoint`](crate::Checkpoint).
    pub fn is_empty(&self) -> bool {
        self.byte_len() == 0
    }

    /// Decodes the elements `first_element .. first_element + out.len()` (in row-major order) to f32, exactly.
    ///
    /// # Errors
    /// The file could not be read, which happens only where it is behind a [`ReadAt`](crate::ReadAt).
    ///
    /// # Panics
    /// Where that reaches beyond the last element, as slicing does.
    pub fn read_f32(&self, first_element: usize, out: &mut [f32]) -> Result<(), LoadError> {
        assert!(
            first_element <= self.len() && out.len() <= self.len() - first_element,
            "beyond the last element"
        );
        let size = self.dtype.size() as u64;
        let start = self.stretch.range.start + first_element as u64 * size;
        let bytes = self.stretch.contents.bytes(self.stretch.path, start..start + out.len() as u64 * size)?;
        match self.dtype {
            Dtype::F32 => {
                for (value, raw) in out.iter_mut().zip(bytes.as_chunks().0) {
                    *value = f32::from_le_bytes(*raw);
                }
            }
            Dtype::F16 => read_f16(&bytes, out),
            Dtype::Bf16 => {
                for (value, raw) in out.iter_mut().zip(bytes.as_chunks().0) {
                    *value = f32::from_bits(u32::from(u16::from_le_bytes(*raw)) << 16);
                }
            }
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::{Dtype, Stretch, Tensor};
    use crate::files::FileContents;

    /// Elements are decoded exactly, from any address.
    #[test]
    fn elements_are_read_unaligned_and_in_parts() {
        let expected: Vec<f32> =
            (0..700).map(|i| (i as f32 - 350.0) / 64.0).chain([f32::INFINITY, -0.0]).collect();
        let f32s: Vec<u8> = expected.iter().flat_map(|x| x.to_le_bytes()).collect();
        let f16s: Vec<u8> = expected.iter().flat_map(|x| half::f16::from_f32(*x).to_le_bytes()).collect();
        let bf16s: Vec<u8> = expected.iter().flat_map(|x| half::bf16::from_f32(*x).to_le_bytes()).collect();
        for (dtype, bytes) in [(Dtype::F32, f32s), (Dtype::F16, f16s), (Dtype::Bf16, bf16s)] {
            for shift in 0..4 {
                let shifted = [vec![0; shift], bytes.clone()].concat();
                let contents = FileContents::from(shifted);
                let range = shift as u64..contents.size();
                let stretch = Stretch { path: "model.safetensors", contents: &contents, range };
                let tensor = Tensor { dtype, shape: &[702], stretch };
                for (first, count) in [(0, 702), (1, 511), (256, 257), (701, 1), (702, 0)] {
                    let mut out = vec![f32::NAN; count];
                    assert!(tensor.read_f32(first, &mut out).is_ok());
                    let exact =
                        |x: f32| if dtype == Dtype::Bf16 { half::bf16::from_f32(x).to_f32() } else { x };
                    for (found, expected) in out.iter().zip(&expected[first..]) {
                        assert_eq!(found.to_bits(), exact(*expected).to_bits(), "{dtype} {shift} {first}");
                    }
                }
            }
        }
    }
}
