use super::random::{Purpose, gumbel, random_bits, uniform};
use super::rows::proposed_rows;
use super::sampling_cut::weight;
use crate::constants::NO_ID;
use crate::params::{Acceptance, Reject, Sampling, SamplingCut, State};

/// Factor on the logits of a coupled draft.
const SHARPNESS: f64 = 2.0;

/// Twin of `sample.wgsl` and the `argmax` after it: draws an id for each row.
///
/// Returns each row's lead of the best score over the second one. Where it is tiny, rounding may choose the other id.
pub fn sample(
    state: &State,
    params: &Sampling,
    logits: &[f32],
    cuts: &[SamplingCut],
    ids: &mut [u32],
) -> Vec<f64> {
    let draft = params.draft == 1;
    let purpose = if draft && state.acceptance == Acceptance::Rejection as u32 {
        Purpose::Draft
    } else {
        Purpose::Text
    };
    let sharpness = if draft && state.acceptance == Acceptance::Coupled as u32 { SHARPNESS } else { 1.0 };
    let vocabulary = params.vocabulary as usize;
    let first = if draft { state.start as usize + 1 } else { 0 };
    let mut leads = Vec::new();
    for row in 0..proposed_rows(state, params.draft) {
        let position = state.start + state.logit_first + row as u32 + 1;
        let masses = (0..vocabulary).map(|id| {
            let mass = weight(state, &cuts[row], logits[row * vocabulary + id], id);
            (mass.powf(sharpness), random_bits(state, position, purpose, id as u32))
        });
        let (id, lead) = largest(masses);
        ids[first + row] = id;
        leads.push(lead);
    }
    leads
}

/// Twin of `reject.wgsl`. Returns each row's lead, as [`sample`] does: the margin of its decisions.
#[allow(clippy::too_many_arguments, reason = "one for each binding of the kernel")]
pub fn reject(
    state: &State,
    params: &Reject,
    logits: &[f32],
    cuts: &[SamplingCut],
    draft_logits: &[f32],
    draft_cuts: &[SamplingCut],
    tokens: &[u32],
    target_tokens: &mut [u32],
) -> Vec<f64> {
    if state.acceptance != Acceptance::Rejection as u32 {
        return Vec::new();
    }
    let vocabulary = params.vocabulary as usize;
    let mut leads = Vec::new();
    for row in 0..(state.logit_rows as usize).saturating_sub(1) {
        let probability = |logits: &[f32], cut: &SamplingCut, id: usize| {
            weight(state, cut, logits[row * vocabulary + id], id) / f64::from(cut.mass)
        };
        let p = |id| probability(logits, &cuts[row], id);
        let q = |id| probability(draft_logits, &draft_cuts[row], id);
        let position = state.start + state.logit_first + row as u32 + 1;
        let draft = tokens[position as usize] as usize;
        let ratio = p(draft) / q(draft).max(1e-8);
        let u = uniform(random_bits(state, position, Purpose::Accept, 0));
        if u < ratio {
            target_tokens[row] = draft as u32;
            leads.push(ratio - u);
            continue;
        }
        let residual: f64 = (0..vocabulary).map(|id| (p(id) - q(id)).max(0.0)).sum();
        let masses = (0..vocabulary).map(|id| {
            let mass = if residual > 1e-5 { (p(id) - q(id)).max(0.0) } else { p(id) };
            (mass, random_bits(state, position, Purpose::Residual, id as u32))
        });
        let (id, lead) = largest(masses);
        target_tokens[row] = id;
        leads.push(lead.min(u - ratio));
    }
    leads
}

/// The id with the largest log(mass) + Gumbel, and its lead over the second one.
fn largest(masses: impl Iterator<Item = (f64, u32)>) -> (u32, f64) {
    let (mut best, mut second) = ((f64::NEG_INFINITY, NO_ID), f64::NEG_INFINITY);
    for (id, (mass, bits)) in masses.enumerate() {
        let score = if mass > 0.0 { mass.ln() + gumbel(bits) } else { continue };
        if score > best.0 {
            second = best.0;
            best = (score, id as u32);
        } else {
            second = second.max(score);
        }
    }
    (best.1, best.0 - second)
}
