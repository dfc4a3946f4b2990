use super::rows::proposed_rows;
use crate::constants::NO_ID;
use crate::params::{Argmax, State};

/// Twin of `argmax.wgsl` where every logit is a candidate.
pub fn argmax(state: &State, params: &Argmax, logits: &[f32], ids: &mut [u32]) {
    let draft = params.draft == 1;
    let first = if draft { state.start as usize + 1 } else { 0 };
    for row in 0..proposed_rows(state, params.draft) {
        let logits = &logits[row * params.candidates as usize..][..params.candidates as usize];
        let mut best = (f32::NEG_INFINITY, NO_ID);
        for (id, &logit) in logits.iter().enumerate() {
            if logit > best.0 || (best.1 == NO_ID && !logit.is_nan()) {
                best = (logit, id as u32);
            }
        }
        ids[first + row] = best.1;
    }
}
