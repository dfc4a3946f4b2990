use crate::constants::SPLIT;
use crate::params::{Attention, AttentionMerge, State};
use crate::variants::KvSplits;
use std::ops::Range;

use super::rows::visible;

/// The index of a partial result (`lib/attention/partials.wgsl`).
fn partial(splits: u32, chunk_queries: u32, kv_head: usize, split: usize, query: usize) -> usize {
    (kv_head * splits as usize + split) * chunk_queries as usize + query
}

/// Rows of the chunk that begins with row `first` and has room for `chunk_queries` queries of a kv head.
fn rows_of_chunk(state: &State, first: u32, chunk_queries: u32, heads_per_kv: usize) -> Range<usize> {
    first as usize..(state.rows as usize).min(first as usize + chunk_queries as usize / heads_per_kv)
}

/// Twin of `attention.wgsl`.
#[allow(clippy::too_many_arguments, reason = "one for each binding of the kernel")]
pub fn attention(
    state: &State,
    params: &Attention,
    q: &[f32],
    keys: &[f32],
    values: &[f32],
    sums: &mut [f32],
    stats: &mut [[f32; 2]],
) {
    let heads = params.heads as usize;
    let heads_per_kv = heads / params.kv_heads as usize;
    let width = params.head_vecs as usize * 4;
    let rows = rows_of_chunk(state, params.first_row, params.chunk_queries, heads_per_kv);
    for row in rows {
        let seen = visible(state, params.mask, row);
        for head in 0..heads {
            let kv_head = head / heads_per_kv;
            let q = &q[(row * heads + head) * width..][..width];
            for split in 0..seen.div_ceil(SPLIT) {
                let positions = split * SPLIT..seen.min((split + 1) * SPLIT);
                let score = |p: usize| -> f64 {
                    let line = |i| kv_head * params.head_vecs as usize + i / 4;
                    let key = |i| f64::from(keys[(line(i) * params.context as usize + p) * 4 + i % 4]);
                    (0..width).map(|i| f64::from(q[i]) * key(i)).sum::<f64>() * f64::from(params.scale)
                };
                let scores: Vec<f64> = positions.clone().map(score).collect();
                let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let query = (row - params.first_row as usize) * heads_per_kv + head % heads_per_kv;
                let at = partial(params.splits, params.chunk_queries, kv_head, split, query);
                let weights: Vec<f64> = scores.iter().map(|score| (score - highest).exp()).collect();
                stats[at] = [highest as f32, weights.iter().sum::<f64>() as f32];
                for i in 0..width {
                    let value =
                        |p: usize| f64::from(values[(p * params.kv_heads as usize + kv_head) * width + i]);
                    let sum: f64 = positions.clone().zip(&weights).map(|(p, weight)| weight * value(p)).sum();
                    sums[at * width + i] = sum as f32;
                }
            }
        }
    }
}

/// Twin of `attention_merge.wgsl`, for partial results that are sums over `splits`.
pub fn attention_merge(
    state: &State,
    params: &AttentionMerge,
    splits: KvSplits,
    sums: &[f32],
    stats: &[[f32; 2]],
    out: &mut [f32],
) {
    let width = params.head_vecs as usize * 4;
    let heads_per_kv = (params.heads / params.kv_heads) as usize;
    let rows = rows_of_chunk(state, params.first_row, params.chunk_queries, heads_per_kv);
    for row in rows {
        let splits = splits.of(visible(state, params.mask, row));
        for head in 0..params.heads as usize {
            let query = (row - params.first_row as usize) * heads_per_kv + head % heads_per_kv;
            let at = |split| partial(params.splits, params.chunk_queries, head / heads_per_kv, split, query);
            let highest = (0..splits).map(|split| stats[at(split)][0]).fold(f32::NEG_INFINITY, f32::max);
            let factor = |split| (f64::from(stats[at(split)][0]) - f64::from(highest)).exp();
            let weight: f64 = (0..splits).map(|split| f64::from(stats[at(split)][1]) * factor(split)).sum();
            for i in 0..params.head_dim as usize {
                let sum = |split| f64::from(sums[at(split) * width + i]) * factor(split);
                let sum: f64 = (0..splits).map(sum).sum();
                out[row * params.out_stride as usize + head * params.head_dim as usize + i] =
                    (sum / weight) as f32;
            }
        }
    }
}
