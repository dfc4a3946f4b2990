//! What a kernel must leave in a buffer.

use bytemuck::Pod;
use half::f16;

/// A NaN that no arithmetic gives: where it still stands, nothing was written.
pub(super) const POISON: u32 = 0x7fc0_dead;

/// The same for f16.
pub(super) const POISON_HALF: u16 = 0x7ead;

/// Finds a fault in a buffer's bytes.
type Fault = Box<dyn Fn(&[u8]) -> Result<(), String>>;

/// What a buffer must hold.
pub enum Expected {
    /// f32 values within a tolerance: absolute, and relative where values exceed 1. Where `POISON` is expected,
    /// nothing may be written.
    Near(Vec<f32>, f32),
    /// f16 values likewise, in units of the last number.
    NearHalves(Vec<f32>, f32, f32),
    /// These bytes.
    Bytes(Vec<u8>),
    /// Bytes in which this finds no fault.
    Such(Fault),
    /// Anything: the kernel's own notes.
    Scratch,
}

impl Expected {
    /// Exactly these values.
    pub fn exactly<T: Pod>(values: &[T]) -> Expected {
        Expected::Bytes(bytemuck::cast_slice(values).to_vec())
    }

    /// Values in which `fault` finds none. It gets them all.
    pub fn such<T: Pod>(fault: impl Fn(&[T]) -> Result<(), String> + 'static) -> Expected {
        Expected::Such(Box::new(move |bytes| fault(&bytemuck::pod_collect_to_vec(bytes))))
    }

    /// Whether `found` is as expected.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self, found: &[u8]) -> Result<(), String> {
        match self {
            Expected::Near(values, tolerance) => {
                let found: Vec<u32> = bytemuck::pod_collect_to_vec(found);
                same_length(found.len(), values.len())?;
                for (i, (&bits, &expected)) in found.iter().zip(values).enumerate() {
                    near(i, f32::from_bits(bits), bits == POISON, expected, *tolerance)?;
                }
                Ok(())
            }
            Expected::NearHalves(values, tolerance, unit) => {
                let found: Vec<u16> = bytemuck::pod_collect_to_vec(found);
                same_length(found.len(), values.len())?;
                for (i, (&bits, &expected)) in found.iter().zip(values).enumerate() {
                    let value = f16::from_bits(bits).to_f32() / unit;
                    near(i, value, bits == POISON_HALF, expected, *tolerance)?;
                }
                Ok(())
            }
            Expected::Bytes(bytes) => {
                same_length(found.len(), bytes.len())?;
                // Thousands of bytes, which nobody wants to see.
                match found.iter().zip(bytes).position(|(found, expected)| found != expected) {
                    Some(at) => Err(format!("byte {at} is {}, should be {}", found[at], bytes[at])),
                    None => Ok(()),
                }
            }
            Expected::Such(fault) => fault(found),
            Expected::Scratch => Ok(()),
        }
    }
}

fn same_length(found: usize, expected: usize) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{found} values, should be {expected}")) }
}

fn near(i: usize, found: f32, untouched: bool, expected: f32, tolerance: f32) -> Result<(), String> {
    if expected.to_bits() == POISON {
        return if untouched { Ok(()) } else { Err(format!("value {i} may not be written, and is {found}")) };
    }
    let off = (found - expected).abs() / expected.abs().max(1.0);
    if off <= tolerance {
        Ok(())
    } else {
        Err(format!("value {i} is {found}, should be {expected} (off by {off})"))
    }
}
