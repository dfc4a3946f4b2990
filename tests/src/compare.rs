//! Comparisons of logits and caches.

/// Asserts that two rows are the same bit for bit.
///
/// # Panics
/// If they are not.
pub fn assert_same_bits(found: &[f32], expected: &[f32], what: &str) {
    if let Err(fault) = same_bits(found, expected) {
        panic!("{what}: {fault}");
    }
}

/// Whether two rows are the same bit for bit.
///
/// # Errors
/// The first difference.
pub fn same_bits(found: &[f32], expected: &[f32]) -> Result<(), String> {
    if found.len() != expected.len() {
        return Err(format!("{} values, were {}", found.len(), expected.len()));
    }
    match found.iter().zip(expected).position(|(found, expected)| found.to_bits() != expected.to_bits()) {
        Some(at) => Err(format!("value {at} is {:e}, was {:e}", found[at], expected[at])),
        None => Ok(()),
    }
}

/// How far rows of logits or of a cache may be apart, as a share of the largest magnitude in each, where both sides
/// compute in f32 or better with different orders of addition. The goldens' own distance from float64 is about 1e-5.
pub const ROUNDED: f32 = 2e-4;

/// Asserts that rows agree within [`ROUNDED`].
///
/// # Panics
/// If they do not.
pub fn assert_rows_close(found: &[f32], expected: &[f32], width: usize, what: &str) {
    assert_rows_within(ROUNDED, found, expected, width, what);
}

/// Asserts that rows agree within a share of the largest magnitude in each.
///
/// # Panics
/// If they do not.
pub fn assert_rows_within(share: f32, found: &[f32], expected: &[f32], width: usize, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (row, (found, expected)) in found.chunks(width).zip(expected.chunks(width)).enumerate() {
        let scale = expected.iter().fold(0f32, |most, value| most.max(value.abs()));
        for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
            let off = (found - expected).abs() / scale;
            assert!(off <= share, "{what}: row {row}, value {i} is {found}, should be {expected}");
        }
    }
}
