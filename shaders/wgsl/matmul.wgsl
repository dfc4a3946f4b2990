// matmul: rows times a weight matrix, accumulated in f32.
//
//   y[row][y_first + o] (=, +=) Σ_k x[row][k] weights[o][k]      row < row_count(), o < outputs
//
// Row-invariant: lane l of LANES adds the chunks l, l + LANES, … in that order, one product at a time,
// and `reduce` adds the lanes in a fixed order, whatever the tile. So the tile of one row and the tile
// of eight give a row the same bits.
//
//   weights  [outputs][chunks]     choice `weights`, padded with zeros
//   x        [rows][2 chunks]      f32 in vec4, padded with anything finite, whole tiles of rows
//   y        [rows][y_stride]      f32
//
// Choices: `weights`, `rows`, `tile`, `store`, `reduce`.
// Grid: (rows / TILE_ROWS, outputs / TILE_OUTPUTS). Neighbours share weights, which then come out of L2.

struct Params {
    outputs: u32,  // rows of the matrix
    chunks: u32,   // chunks of a row
    y_stride: u32, // values from a row of y to the next
    y_first: u32,  // column of y that output 0 goes to
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

override LANES: u32 = 64u;
const VALUES: u32 = TILE_ROWS * TILE_OUTPUTS;

fn add_products(sum: f32, w: Chunk, lo: vec4<f32>, hi: vec4<f32>) -> f32 {
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
fn main(thread: Thread) {
    let rows = row_count();
    let first_row = thread.group.x * TILE_ROWS;
    let first_output = thread.group.y * TILE_OUTPUTS;
    if first_row >= rows {
        return;
    }
    var sums = array<f32, VALUES>();
    for (var chunk = thread.lane; chunk < params.chunks; chunk += LANES) {
        var w: array<Chunk, TILE_OUTPUTS>;
        for (var o = 0u; o < TILE_OUTPUTS; o++) {
            let output = min(first_output + o, params.outputs - 1u);
            w[o] = weight_chunk(output * params.chunks + chunk);
        }
        for (var r = 0u; r < TILE_ROWS; r++) {
            let at = 2u * ((first_row + r) * params.chunks + chunk);
            let lo = x[at];
            let hi = x[at + 1u];
            for (var o = 0u; o < TILE_OUTPUTS; o++) {
                let v = r * TILE_OUTPUTS + o;
                sums[v] = add_products(sums[v], w[o], lo, hi);
            }
        }
    }
    for (var v = 0u; v < VALUES; v++) {
        put_partial(thread, v, sums[v]);
    }
    workgroupBarrier();
    for (var v = thread.lane; v < VALUES; v += LANES) {
        let row = first_row + v / TILE_OUTPUTS;
        let output = first_output + v % TILE_OUTPUTS;
        if row < rows && output < params.outputs {
            store(row * params.y_stride + params.y_first + output, total(thread, v));
        }
    }
}
