use crate::constants::TILE;
use crate::params::{State, Swiglu};

/// Twin of `swiglu.wgsl`.
pub fn swiglu(state: &State, params: &Swiglu, gate_up: &[f32], out: &mut [f32]) {
    let stride = params.out_stride as usize;
    for row in 0..state.rows as usize {
        let gate_up = &gate_up[row * 2 * stride..][..2 * stride];
        for i in 0..params.width as usize {
            let at = i / TILE * 2 * TILE + i % TILE;
            let gate = f64::from(gate_up[at]);
            let silu = gate / (1.0 + (-gate).exp());
            out[row * stride + i] = (silu * f64::from(gate_up[at + TILE])) as f32;
        }
    }
}
