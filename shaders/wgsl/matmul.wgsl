// matmul: rows times a weight matrix, accumulated in f32.
//
//   product[row][o] = Σ_k x[row][k] weights[o][k]      row < row_count(), o < outputs
//   out[row][out_first + o] = product, or += product
//
// Row-invariant: slice s of SLICES adds the packs s, s + SLICES, … in that order, one product at a time. Then the
// slices are added in order. Neither order depends on ROWS_PER_LANE, so a row has the same bits with each.
//
// A lane has OUTPUTS_PER_LANE outputs and one slice. The matrix is tiled, so neighbouring lanes read neighbouring
// packs of weights, and the same x.
//
//   weights  tiled [outputs][packs]   lib/pack.wgsl
//   x        [rows][2 packs]          vec4; rows in whole multiples of ROWS_PER_LANE, the last ones anything finite
//   out      [rows][out_stride]       f32
//
// Calls: `weight_pack` (choice weights), `row_count` (choice rows), `finish` (choice split_k), `store_value` (choice
// epilogue), `tiled` (lib/pack). Constants: ROWS_PER_LANE (choice rows_per_lane), SLICES (choice split_k).
// Grid: (rows / ROWS_PER_LANE, outputs / (OUTPUT_LANES OUTPUTS_PER_LANE)). Neighbouring workgroups share weights, which
// they then read from the L2 cache.

struct Params {
    outputs: u32,    // rows of the matrix
    packs: u32,      // packs of a row
    out_stride: u32, // values from a row of `out` to the next
    out_first: u32,  // column of `out` that output 0 goes to
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;

const LANES: u32 = OUTPUT_LANES * SLICES;
const VALUES: u32 = ROWS_PER_LANE * OUTPUTS_PER_LANE;

fn add_products(sum: f32, w: Pack, lo: vec4<f32>, hi: vec4<f32>) -> f32 {
    var s = fma(w.lo.x, lo.x, sum);
    s = fma(w.lo.y, lo.y, s);
    s = fma(w.lo.z, lo.z, s);
    s = fma(w.lo.w, lo.w, s);
    s = fma(w.hi.x, hi.x, s);
    s = fma(w.hi.y, hi.y, s);
    s = fma(w.hi.z, hi.z, s);
    return fma(w.hi.w, hi.w, s);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let first_row = group.x * ROWS_PER_LANE;
    let first_output = group.y * OUTPUT_LANES * OUTPUTS_PER_LANE;
    if first_row >= row_count() {
        return;
    }
    let column = lane % OUTPUT_LANES;
    let slice = lane / OUTPUT_LANES;
    var sums = array<f32, VALUES>();
    for (var pack = slice; pack < params.packs; pack += SLICES) {
        var w: array<Pack, OUTPUTS_PER_LANE>;
        for (var o = 0u; o < OUTPUTS_PER_LANE; o++) {
            let output = min(first_output + o * OUTPUT_LANES + column, params.outputs - 1u);
            w[o] = weight_pack(tiled(output, pack, params.packs));
        }
        for (var r = 0u; r < ROWS_PER_LANE; r++) {
            let at = 2u * ((first_row + r) * params.packs + pack);
            let lo = x[at];
            let hi = x[at + 1u];
            for (var o = 0u; o < OUTPUTS_PER_LANE; o++) {
                let v = r * OUTPUTS_PER_LANE + o;
                sums[v] = add_products(sums[v], w[o], lo, hi);
            }
        }
    }
    finish(lane, first_row, first_output, &sums);
}

fn store_product(row: u32, output: u32, sum: f32) {
    if row < row_count() && output < params.outputs {
        store_value(row * params.out_stride + params.out_first + output, sum);
    }
}
