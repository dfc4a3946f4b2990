use super::rows::proposed_rows;
use super::sampling_cut::weight_beside;
use crate::constants::PART;
use crate::params::{LogitPart, Sampling, State};

/// Twin of `logit_parts.wgsl`.
pub fn logit_parts(state: &State, params: &Sampling, logits: &[f32], parts: &mut [LogitPart]) {
    let vocabulary = params.vocabulary as usize;
    for row in 0..proposed_rows(state, params.draft) {
        let row_parts = logits[row * vocabulary..][..vocabulary].chunks(PART);
        for (part, logits) in row_parts.enumerate() {
            parts[row * params.parts as usize + part] = part_of(state, logits);
        }
    }
}

fn part_of(state: &State, logits: &[f32]) -> LogitPart {
    let numbers = || logits.iter().copied().filter(|logit| !logit.is_nan());
    let Some(largest) = numbers().reduce(f32::max) else { return LogitPart { key: 0, mass: 0.0 } };
    let mass = numbers().map(|logit| weight_beside(state, largest, logit)).sum::<f64>() as f32;
    LogitPart { key: key_of(largest), mass }
}

/// The key of a logit: an integer in the order of the logits (`lib/logit_key.wgsl`).
fn key_of(logit: f32) -> u32 {
    // + 0.0 makes both zeros the same.
    let bits = (logit + 0.0).to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}
