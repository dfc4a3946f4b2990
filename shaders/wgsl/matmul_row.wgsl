// matmul_row: one row times a weight matrix, f32 sums: `--ar-kernel fast`. Not bit-equal to `matmul` or `matmul_coop`,
// whose one row is a row of a block; so a text can differ from theirs where two logits nearly tie.
//
//   product[o] = scale Σ_k x[k] weights[o][k]        o < outputs
//
// A workgroup has COLUMN_TILES tiles of 16 outputs, a lane one output of each and every SLICES-th tile of k: sixteen
// lanes read 512 bytes that lie together.
//
//   weights  tiled [outputs][chunks]   choice `weights`, see lib/chunk.wgsl
//   x        the row's input           choice `input`, with the norm before the product or without
//
// Choices: `weights`, `input`, `row_product` (what becomes of it). Grid: (outputs / (16 COLUMN_TILES)).

struct Params {
    outputs: u32,    // rows of the matrix
    chunks: u32,     // chunks of a row
    inputs: u32,     // values of a row that are no padding
    out_stride: u32, // see `row_product`
    out_first: u32,
    scale: f32,      // a power of two
    eps: f32,        // of the norm
    pad0: u32,
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;

const SLICES: u32 = 16u;
const OUTPUTS: u32 = COLUMN_TILES * 16u;
const LANES: u32 = SLICES * 16u;

var<workgroup> partials: array<f32, SLICES * OUTPUTS>;
var<workgroup> squares: array<f32, SLICES>;

fn products(w: Chunk, x: Chunk, sum: f32) -> f32 {
    var s = fma(w.lo.x, x.lo.x, sum);
    s = fma(w.lo.y, x.lo.y, s);
    s = fma(w.lo.z, x.lo.z, s);
    s = fma(w.lo.w, x.lo.w, s);
    s = fma(w.hi.x, x.hi.x, s);
    s = fma(w.hi.y, x.hi.y, s);
    s = fma(w.hi.z, x.hi.z, s);
    return fma(w.hi.w, x.hi.w, s);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    if row_count() == 0u {
        return;
    }
    let slice = lane / 16u;
    let first = group.x * OUTPUTS;
    var sums = array<f32, COLUMN_TILES>();
    var square_sum = 0.0;
    var chunk = 2u * slice;
    // Two tiles at a time: more loads under way.
    for (; chunk + 2u * SLICES < params.chunks; chunk += 4u * SLICES) {
        let later = chunk + 2u * SLICES;
        for (var c = 0u; c < COLUMN_TILES; c++) {
            let row = first + c * 16u + lane % 16u;
            let at = tiled(row, chunk, params.chunks);
            let at_later = tiled(row, later, params.chunks);
            let w0 = weight_chunk(at);
            let w1 = weight_chunk(at + 1u);
            let w2 = weight_chunk(at_later);
            let w3 = weight_chunk(at_later + 1u);
            var sum = products(w0, input_chunk(chunk), sums[c]);
            sum = products(w1, input_chunk(chunk + 1u), sum);
            sum = products(w2, input_chunk(later), sum);
            sums[c] = products(w3, input_chunk(later + 1u), sum);
        }
        square_sum += squares_of(chunk) + squares_of(chunk + 1u) + squares_of(later) + squares_of(later + 1u);
    }
    if chunk < params.chunks {
        for (var c = 0u; c < COLUMN_TILES; c++) {
            let at = tiled(first + c * 16u + lane % 16u, chunk, params.chunks);
            let w0 = weight_chunk(at);
            let w1 = weight_chunk(at + 1u);
            sums[c] = products(w1, input_chunk(chunk + 1u), products(w0, input_chunk(chunk), sums[c]));
        }
        square_sum += squares_of(chunk) + squares_of(chunk + 1u);
    }
    for (var c = 0u; c < COLUMN_TILES; c++) {
        partials[slice * OUTPUTS + c * 16u + lane % 16u] = sums[c];
    }
    if lane % 16u == 0u {
        squares[slice] = square_sum;
    }
    workgroupBarrier();
    finish_products(lane, first);
}

// The product with output `o` of the workgroup.
fn total(o: u32) -> f32 {
    var sum = 0.0;
    var square_sum = 0.0;
    for (var slice = 0u; slice < SLICES; slice++) {
        sum += partials[slice * OUTPUTS + o];
        square_sum += squares[slice];
    }
    return sum * params.scale * norm_scale(square_sum);
}
