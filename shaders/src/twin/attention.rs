use crate::params::{Attention, AttentionMerge};
use crate::{SPLIT, State, Visible};

/// Keys and values by position, as `attention` finds them (choice `keys`).
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a> {
    /// `[kv_heads][head_vecs][capacity][4]`
    pub cache_keys: &'a [f32],
    /// `[capacity][kv_heads][4 head_vecs]`
    pub cache_values: &'a [f32],
    /// The block's own, in the same layouts; empty for the AR view.
    pub block_keys: &'a [f32],
    /// See `block_keys`.
    pub block_values: &'a [f32],
}

impl Keys<'_> {
    fn place(&self, state: &State, params: &Attention, position: usize) -> (&[f32], &[f32], usize, usize) {
        let start = state.start as usize;
        if position < start || self.block_keys.is_empty() {
            (self.cache_keys, self.cache_values, params.capacity as usize, position)
        } else {
            (self.block_keys, self.block_values, params.block_capacity as usize, position - start)
        }
    }

    fn key(&self, state: &State, params: &Attention, kv_head: usize, i: usize, position: usize) -> f32 {
        let (keys, _, capacity, slot) = self.place(state, params, position);
        keys[((kv_head * params.head_vecs as usize + i / 4) * capacity + slot) * 4 + i % 4]
    }

    fn value(&self, state: &State, params: &Attention, kv_head: usize, i: usize, position: usize) -> f32 {
        let (_, values, _, slot) = self.place(state, params, position);
        values[(slot * params.kv_heads as usize + kv_head) * params.head_vecs as usize * 4 + i]
    }
}

/// Twin of `attention.wgsl`.
pub fn attention(
    state: &State,
    params: &Attention,
    visible: Visible,
    q: &[f32],
    keys: Keys<'_>,
    sums: &mut [f32],
    stats: &mut [[f32; 2]],
) {
    let heads = params.heads as usize;
    let heads_per_kv = heads / params.kv_heads as usize;
    let width = params.head_vecs as usize * 4;
    for row in 0..state.rows as usize {
        let seen = visible.positions(state, row);
        for head in 0..heads {
            let kv_head = head / heads_per_kv;
            let q = &q[(row * heads + head) * width..][..width];
            for split in 0..seen.div_ceil(SPLIT) {
                let positions = split * SPLIT..seen.min((split + 1) * SPLIT);
                let score = |p: usize| -> f64 {
                    let key = |i| f64::from(keys.key(state, params, kv_head, i, p));
                    (0..width).map(|i| f64::from(q[i]) * key(i)).sum::<f64>() * f64::from(params.scale)
                };
                let scores: Vec<f64> = positions.clone().map(score).collect();
                let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let at = (row * heads + head) * params.splits as usize + split;
                let weights: Vec<f64> = scores.iter().map(|score| (score - highest).exp()).collect();
                stats[at] = [highest as f32, weights.iter().sum::<f64>() as f32];
                for i in 0..width {
                    let value = |p| f64::from(keys.value(state, params, kv_head, i, p));
                    let sum: f64 = positions.clone().zip(&weights).map(|(p, weight)| weight * value(p)).sum();
                    sums[at * width + i] = sum as f32;
                }
            }
        }
    }
}

/// Twin of `attention_merge.wgsl`.
pub fn attention_merge(
    state: &State,
    params: &AttentionMerge,
    visible: Visible,
    sums: &[f32],
    stats: &[[f32; 2]],
    out: &mut [f32],
) {
    let width = params.head_vecs as usize * 4;
    for row in 0..state.rows as usize {
        let splits = visible.positions(state, row).div_ceil(SPLIT);
        for head in 0..params.heads as usize {
            let first = (row * params.heads as usize + head) * params.splits as usize;
            let stats = &stats[first..first + splits];
            let highest = stats.iter().map(|stat| stat[0]).fold(f32::NEG_INFINITY, f32::max);
            let factor = |stat: &[f32; 2]| (f64::from(stat[0]) - f64::from(highest)).exp();
            let weight: f64 = stats.iter().map(|stat| f64::from(stat[1]) * factor(stat)).sum();
            for i in 0..params.head_dim as usize {
                let sum = |(s, stat)| f64::from(sums[(first + s) * width + i]) * factor(stat);
                let sum: f64 = stats.iter().enumerate().map(sum).sum();
                out[row * params.out_stride as usize + head * params.head_dim as usize + i] =
                    (sum / weight) as f32;
            }
        }
    }
}
