use crate::State;
use crate::params::{Choice, Distribution};

/// Twin of `distribution.wgsl`.
pub fn distribution(state: &State, params: &Choice, logits: &[f32], distributions: &mut [Distribution]) {
    let vocabulary = params.vocabulary as usize;
    for row in 0..super::proposed_rows(state, params.draft) {
        distributions[row] = of_row(state, &logits[row * vocabulary..][..vocabulary]);
    }
}

/// exp(l - highest) for an id that remains, else 0.
pub(super) fn weight(state: &State, d: &Distribution, logit: f32, id: usize) -> f64 {
    let l = logit / state.temperature;
    if l == d.highest && (l > d.cut || id as u32 <= d.last_id) {
        1.0
    } else if l > d.cut || (l == d.cut && id as u32 <= d.last_id) {
        (f64::from(l) - f64::from(d.highest)).exp()
    } else {
        0.0
    }
}

fn of_row(state: &State, logits: &[f32]) -> Distribution {
    // + 0.0: both zeros are one.
    let scaled = |logit: &f32| logit / state.temperature + 0.0;
    let mut order: Vec<(f32, u32)> = logits.iter().map(scaled).zip(0..).collect();
    order.retain(|(l, _)| !l.is_nan());
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let Some(&(highest, _)) = order.first() else {
        return Distribution { highest: f32::MIN, cut: f32::MIN, last_id: u32::MAX, mass: 0.0 };
    };
    let k = state.top_k as usize;
    if k > 0 && k < order.len() {
        let kth = order[k - 1].0;
        order.retain(|(l, _)| *l >= kth);
    }
    let weight = |l: f32| if l == highest { 1.0 } else { (f64::from(l) - f64::from(highest)).exp() };
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
    Distribution {
        highest,
        cut,
        last_id: if dropped_tie { last } else { u32::MAX },
        mass: order[..remain].iter().map(|(l, _)| weight(*l)).sum::<f64>() as f32,
    }
}
