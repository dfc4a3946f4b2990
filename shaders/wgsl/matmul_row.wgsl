// matmul_row: one row times a weight matrix, accumulated in f32.
//
//   product[o] = scale Σ_k x[k] weights[o][k]        o < outputs
//
// The kernel serves `--ar-kernel fast`: its bits are not those of `matmul` or `matmul_coop`, whose single row equals
// a row of a block. A text can therefore differ from theirs where two logits nearly tie.
//
// A workgroup has N_TILES tiles of 16 outputs. Each 32 lanes take one slice of k, a lane one pack of each tile.
// Together they read 512 contiguous bytes of f16, or 1,024 of f32.
//
//   weights  tiled [outputs][packs]   lib/pack.wgsl
//   x        see choice input
//   norm     [2 packs]                vec4, padded; bound where the input is normed
//   out      see choice epilogue
//
// Calls: `weight_pack` (choice weights), `prepare`, `input_pack`, `squares_of`, `squares_of_part`, `norm_scale` (choice
// input), `addend_of`, `finish_products`, `N_TILES` (choice epilogue), `row_count` (choice rows), `tiled` (lib/pack).
// Constants: SLICES (choice split_k).
// Grid: (outputs / (16 N_TILES)).

struct Params {
    outputs: u32,    // rows of the matrix
    packs: u32,      // packs of a row
    inputs: u32,     // values of a row without padding
    out_stride: u32, // see choice epilogue
    out_first: u32,
    scale: f32, // a power of two
    eps: f32,   // epsilon of the norm
    pad0: u32,
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;

const OUTPUTS: u32 = N_TILES * 16u;
const LANES: u32 = SLICES * 32u;
const PARTS: u32 = 2u * SLICES;            // lanes that share an output
const K_TILES_AT_ONCE: u32 = 8u / N_TILES; // eight loads under way

var<workgroup> partials: array<f32, PARTS * OUTPUTS>;
var<workgroup> squares: array<f32, PARTS>;

fn products(w: Pack, x: Pack, sum: f32) -> f32 {
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
    // Loaded early, to be there at the end.
    let addend = addend_of(lane, group.x * OUTPUTS);
    prepare(lane);
    let slice = lane / 32u;
    let output = lane % 32u / 2u;
    let part = 2u * slice + lane % 2u;
    let first = group.x * OUTPUTS;
    let tiles = params.packs / 2u;
    let slice_tiles = (tiles + SLICES - 1u) / SLICES;
    let end = min((slice + 1u) * slice_tiles, tiles);
    var sums = array<f32, N_TILES>();
    var square_sum = 0.0;
    var tile = slice * slice_tiles;
    for (; tile + K_TILES_AT_ONCE <= end; tile += K_TILES_AT_ONCE) {
        let pack = 2u * tile + lane % 2u;
        var w: array<Pack, K_TILES_AT_ONCE * N_TILES>;
        for (var c = 0u; c < N_TILES; c++) {
            let at = tiled(first + c * 16u + output, pack, params.packs);
            for (var t = 0u; t < K_TILES_AT_ONCE; t++) {
                w[K_TILES_AT_ONCE * c + t] = weight_pack(at + 32u * t);
            }
        }
        for (var t = 0u; t < K_TILES_AT_ONCE; t++) {
            let x = input_pack(pack + 2u * t);
            for (var c = 0u; c < N_TILES; c++) {
                sums[c] = products(w[K_TILES_AT_ONCE * c + t], x, sums[c]);
            }
            square_sum += squares_of(pack + 2u * t);
        }
    }
    for (; tile < end; tile++) {
        let pack = 2u * tile + lane % 2u;
        for (var c = 0u; c < N_TILES; c++) {
            let at = tiled(first + c * 16u + output, pack, params.packs);
            sums[c] = products(weight_pack(at), input_pack(pack), sums[c]);
        }
        square_sum += squares_of(pack);
    }
    for (var c = 0u; c < N_TILES; c++) {
        partials[part * OUTPUTS + c * 16u + output] = sums[c];
    }
    if output == 0u {
        squares[part] = squares_of_part(part, square_sum);
    }
    workgroupBarrier();
    finish_products(lane, first, addend);
}

// The product of output `o` of the workgroup.
fn total(o: u32) -> f32 {
    var sum = 0.0;
    var square_sum = 0.0;
    for (var part = 0u; part < PARTS; part++) {
        sum += partials[part * OUTPUTS + o];
        square_sum += squares[part];
    }
    return sum * params.scale * norm_scale(square_sum);
}
