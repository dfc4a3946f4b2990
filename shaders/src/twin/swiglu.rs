use crate::State;
use crate::params::Swiglu;

/// Twin of `swiglu.wgsl`.
pub fn swiglu(state: &State, params: &Swiglu, gate_up: &[f32], out: &mut [f32]) {
    let width = params.width as usize;
    for row in 0..state.rows as usize {
        let (gate, up) = gate_up[row * 2 * width..][..2 * width].split_at(width);
        for i in 0..width {
            let gate = f64::from(gate[i]);
            let silu = gate / (1.0 + (-gate).exp());
            out[row * params.out_stride as usize + i] = (silu * f64::from(up[i])) as f32;
        }
    }
}
