use super::rows::rms_scale;
use crate::params::{RmsNorm, State};
use crate::variants::Rows;

/// Twin of `rms_norm.wgsl`.
pub fn rms_norm(state: &State, params: &RmsNorm, rows: Rows, x: &[f32], weight: &[f32], out: &mut [f32]) {
    let (width, stride, out_stride) =
        (params.width as usize, params.stride as usize, params.out_stride as usize);
    for row in 0..rows.count(state) {
        let x = &x[rows.source(state, row) * stride..][..width];
        let scale = rms_scale(x, params.eps);
        for (i, out) in out[row * out_stride..][..width].iter_mut().enumerate() {
            *out = (f64::from(x[i]) * scale * f64::from(weight[i])) as f32;
        }
    }
}
