use crate::params::Argmax;
use crate::{NO_ID, State};

/// Twin of `argmax.wgsl`.
pub fn argmax(state: &State, params: &Argmax, logits: &[f32], ids: &mut [u32]) {
    let draft = params.draft == 1;
    let rows = if draft { state.logit_rows.saturating_sub(1) } else { state.logit_rows } as usize;
    let first = if draft { state.start as usize + 1 } else { 0 };
    for row in 0..rows {
        let logits = &logits[row * params.vocabulary as usize..][..params.vocabulary as usize];
        let mut best = (f32::NEG_INFINITY, NO_ID);
        for (id, &logit) in logits.iter().enumerate() {
            if logit > best.0 {
                best = (logit, id as u32);
            }
        }
        ids[first + row] = best.1;
    }
}
