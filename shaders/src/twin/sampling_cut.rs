use super::rows::proposed_rows;
use crate::params::{Sampling, SamplingCut, State};

/// Twin of `sampling_cut.wgsl`.
pub fn sampling_cut(state: &State, params: &Sampling, logits: &[f32], cuts: &mut [SamplingCut]) {
    let vocabulary = params.vocabulary as usize;
    for row in 0..proposed_rows(state, params.draft) {
        cuts[row] = cut_of_row(state, &logits[row * vocabulary..][..vocabulary]);
    }
}

/// exp((logit - highest) / temperature).
pub(super) fn weight_beside(state: &State, highest: f32, logit: f32) -> f64 {
    if logit == highest {
        return 1.0;
    }
    ((f64::from(logit) - f64::from(highest)) * f64::from(state.inverse_temperature)).exp()
}

/// exp((logit - highest) / temperature) for an id that remains, else 0.
pub(super) fn weight(state: &State, row_cut: &SamplingCut, logit: f32, id: usize) -> f64 {
    let remains = logit > row_cut.cut || (logit == row_cut.cut && id as u32 <= row_cut.last_id);
    if remains { weight_beside(state, row_cut.highest, logit) } else { 0.0 }
}

fn cut_of_row(state: &State, logits: &[f32]) -> SamplingCut {
    // + 0.0 makes both zeros the same.
    let mut order: Vec<(f32, u32)> = logits.iter().map(|logit| logit + 0.0).zip(0..).collect();
    order.retain(|(l, _)| !l.is_nan());
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let Some(&(highest, _)) = order.first() else {
        return SamplingCut { highest: 0.0, cut: 0.0, last_id: 0, mass: 0.0 };
    };
    let k = state.top_k as usize;
    if k > 0 && k < order.len() {
        let kth = order[k - 1].0;
        order.retain(|(l, _)| *l >= kth);
    }
    let weight = |logit: f32| weight_beside(state, highest, logit);
    let whole: f64 = order.iter().map(|(l, _)| weight(*l)).sum();
    let mut before = 0.0;
    let mut remain = order.len();
    if state.top_p < 1.0 {
        for (index, (l, _)) in order.iter().enumerate() {
            if before > whole * f64::from(state.top_p.max(0.0)) {
                remain = index;
                break;
            }
            before += weight(*l);
        }
    }
    let dropped_tie = order.get(remain).is_some_and(|next| next.0 == order[remain - 1].0);
    let (cut, last) = order[remain - 1];
    SamplingCut {
        highest,
        cut,
        last_id: if dropped_tie { last } else { u32::MAX },
        mass: order[..remain].iter().map(|(l, _)| weight(*l)).sum::<f64>() as f32,
    }
}
