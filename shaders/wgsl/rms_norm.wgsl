// rms_norm: root-mean-square norm of each row (Qwen3RMSNorm), in f32.
//
//   out[row][i] = x[source_row(row)][i] / sqrt(mean(x²) + eps) * weight[i]     row < row_count()
//
//   x        [rows][stride]       f32, `width` values used, the rest of a row is padding
//   weight   [width]              f32
//   out      [rows][out_stride]   choice `output`; padding stays as it is
//
// Choices: `rows`, `reduce`, `output`. Grid: (rows). One workgroup a row.

struct Params {
    width: u32,
    stride: u32,     // values from a row of x to the next
    out_stride: u32, // of out
    eps: f32,
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;

const LANES: u32 = 128u;
const VALUES: u32 = 1u;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, thread: Thread) {
    let row = group.x;
    if row >= row_count() {
        return;
    }
    let source = source_row(row) * params.stride;
    var squares = 0.0;
    for (var i = thread.lane; i < params.width; i += LANES) {
        let value = x[source + i];
        squares = fma(value, value, squares);
    }
    put_partial(thread, 0u, squares);
    workgroupBarrier();
    let scale = inverseSqrt(total(thread, 0u) / f32(params.width) + params.eps);
    for (var i = thread.lane; i < params.width; i += LANES) {
        put(row, i, x[source + i] * scale * weight[i]);
    }
}
