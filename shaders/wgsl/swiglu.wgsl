// swiglu: the gate of the MLP.
//
//   out[row][i] = silu(gate[row][i]) * up[row][i]      row < state.rows, i < width, silu(g) = g / (1 + exp(-g))
//
//   gate_up  [rows][2 out_stride]   f32: 16 values of the gate, 16 of up, and so on, as their matrix is stored
//   out      [rows][out_stride]     f32
//
// Grid: (width / LANES, rows). One lane a value.

struct Params {
    width: u32,
    out_stride: u32, // values from a row of `out` to the next
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> gate_up: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

const LANES: u32 = 64u;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.y;
    let i = group.x * LANES + lane;
    if row >= state.rows || i >= params.width {
        return;
    }
    let at = row * 2u * params.out_stride + i / 16u * 32u + i % 16u;
    let gate = gate_up[at];
    let up = gate_up[at + 16u];
    out[row * params.out_stride + i] = gate / (1.0 + exp(-gate)) * up;
}
