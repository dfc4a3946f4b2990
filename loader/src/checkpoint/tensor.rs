//! [`Tensor`]: bytes of a checkpoint with an element type and a shape.

use std::fmt;
use std::ops::Range;

use half::f16;
use half::slice::HalfFloatSliceExt;

use crate::error::LoadError;
use crate::files::FileContents;

/// The type of a tensor's elements, which are stored little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
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

    /// The type of this name in safetensors. `None`: weights cannot have it.
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

/// A view of one tensor in its file. Cheap to clone.
///
/// The elements are in row-major order. The file holds exactly the bytes that `shape` and `dtype` need.
#[derive(Debug, Clone)]
pub struct Tensor<'a> {
    /// The elements' type.
    pub dtype: Dtype,
    /// The size of each dimension, slowest first.
    pub shape: &'a [usize],
    pub(crate) bytes: FileRange<'a>,
}

/// A range of a file.
#[derive(Debug, Clone)]
pub(crate) struct FileRange<'a> {
    pub(crate) path: &'a str,
    pub(crate) contents: &'a FileContents,
    pub(crate) range: Range<u64>,
}

impl Tensor<'_> {
    /// Number of bytes in the file.
    pub fn byte_len(&self) -> u64 {
        self.bytes.range.end - self.bytes.range.start
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        (self.byte_len() / self.dtype.size() as u64) as usize
    }

    /// Whether the tensor has no elements. False for every tensor of a [`Checkpoint`](crate::Checkpoint).
    pub fn is_empty(&self) -> bool {
        self.byte_len() == 0
    }

    /// Decodes the elements `first_element..first_element + out.len()` to f32, exactly.
    ///
    /// # Errors
    /// A [`ReadAt`](crate::ReadAt) failed. Files in memory and mapped files give no error.
    ///
    /// # Panics
    /// The range reaches beyond the last element.
    pub fn read_f32(&self, first_element: usize, out: &mut [f32]) -> Result<(), LoadError> {
        assert!(
            first_element <= self.len() && out.len() <= self.len() - first_element,
            "beyond the last element"
        );
        let size = self.dtype.size() as u64;
        let start = self.bytes.range.start + first_element as u64 * size;
        let bytes = self.bytes.contents.bytes(self.bytes.path, start..start + out.len() as u64 * size)?;
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

/// Decodes f16 in blocks, because `half` converts slices with the processor's own instructions.
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
    use super::{Dtype, FileRange, Tensor};
    use crate::files::FileContents;

    #[test]
    fn elements_are_exact_from_any_address_and_in_parts() {
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
                let bytes = FileRange { path: "model.safetensors", contents: &contents, range };
                let tensor = Tensor { dtype, shape: &[702], bytes };
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
