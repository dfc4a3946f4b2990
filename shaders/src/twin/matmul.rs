use super::rows::dot;
use crate::constants::PACK;
use crate::params::{Matmul, State};
use crate::variants::{Epilogue, Rows};

/// Twin of `matmul.wgsl`. `weights` is `[outputs][PACK * packs]`.
pub fn matmul(
    state: &State,
    params: &Matmul,
    rows: Rows,
    epilogue: Epilogue,
    weights: &[f32],
    x: &[f32],
    out: &mut [f32],
) {
    let width = params.packs as usize * PACK;
    for row in 0..rows.count(state) {
        for output in 0..params.outputs as usize {
            let product = dot(&x[row * width..][..width], &weights[output * width..][..width]);
            let out = &mut out[row * params.out_stride as usize + params.out_first as usize + output];
            let addend = if epilogue == Epilogue::AddResidual { f64::from(*out) } else { 0.0 };
            *out = (addend + product) as f32;
        }
    }
}
