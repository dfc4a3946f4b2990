// rms_norm: root-mean-square norm of each row (Qwen3RMSNorm), in f32.
//
//   out[row][i] = x[source_row(row)][i] / sqrt(mean(x²) + eps) * norm[i]     row < row_count(), i < width
//
//   x        [rows][stride]       f32 in vec4; zeros beyond `width`
//   norm     [stride]             f32 in vec4, padded
//   out      [rows][out_stride]   padding stays as it is
//
// Calls: `row_count`, `source_row` (choice rows), `store_partial`, `total` (choice reduce), `store_output` (choice
// output).
// Grid: (rows). One workgroup a row.

struct Params {
    width: u32,
    stride: u32,     // values from a row of `x` to the next
    out_stride: u32, // values from a row of `out` to the next
    eps: f32,
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> norm: array<vec4<f32>>;

const LANES: u32 = 256u;
const KEPT: u32 = 4u; // vec4 that a lane keeps: rows of up to 4,096 values are read once

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, thread: Thread) {
    let row = group.x;
    let vecs = params.stride / 4u;
    let source = source_row(row) * vecs;
    // Loaded before the number of rows is known: one wait for memory, not two.
    let last = arrayLength(&x) - 1u;
    var kept = array<vec4<f32>, KEPT>();
    var squares = 0.0;
    for (var k = 0u; k < KEPT; k++) {
        let i = thread.lane + k * LANES;
        if i < vecs {
            let values = x[min(source + i, last)];
            squares += dot(values, values);
            kept[k] = values * norm[i];
        }
    }
    if row >= row_count() {
        return;
    }
    for (var i = thread.lane + KEPT * LANES; i < vecs; i += LANES) {
        squares += dot(x[source + i], x[source + i]);
    }
    store_partial(thread, squares);
    workgroupBarrier();
    let scale = inverseSqrt(total(thread) / f32(params.width) + params.eps);
    for (var k = 0u; k < KEPT; k++) {
        let i = thread.lane + k * LANES;
        if i < vecs {
            store_vec(row, 4u * i, kept[k] * scale);
        }
    }
    for (var i = thread.lane + KEPT * LANES; i < vecs; i += LANES) {
        store_vec(row, 4u * i, x[source + i] * scale * norm[i]);
    }
}

fn store_vec(row: u32, first: u32, values: vec4<f32>) {
    for (var i = 0u; i < 4u; i++) {
        if first + i < params.width {
            store_output(row, first + i, values[i]);
        }
    }
}
