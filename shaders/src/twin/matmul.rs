use super::dot;
use crate::params::Matmul;
use crate::{CHUNK, Rows, State, Store};

/// Twin of `matmul.wgsl`. `weights` is `[outputs][CHUNK * chunks]`.
pub fn matmul(
    state: &State,
    params: &Matmul,
    rows: Rows,
    store: Store,
    weights: &[f32],
    x: &[f32],
    y: &mut [f32],
) {
    let width = params.chunks as usize * CHUNK;
    for row in 0..rows.count(state) {
        for output in 0..params.outputs as usize {
            let product = dot(&x[row * width..][..width], &weights[output * width..][..width]);
            let y = &mut y[row * params.y_stride as usize + params.y_first as usize + output];
            match store {
                Store::Value => *y = product as f32,
                Store::Sum => *y = (f64::from(*y) + product) as f32,
            }
        }
    }
}
