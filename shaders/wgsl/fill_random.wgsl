// fill_random: one slab of a synthetic weight matrix, made from the seed in `state`.
//
//   weights[o][k] = unit odd(first_row + o, k)     o < outputs, k < inputs; 0 in the padding
//
// odd(row, k) is a random odd number from -2047 to 2047, numbered by matrix, row and column. It has 11 bits and
// `unit` is a power of two, so f16 and f32 hold the same values: every layout and tier has the same model.
//
// With `twins`, rows 2i and 2i + 1 share all columns but the first pack. The values of that pack are each row's own,
// from 2^-14 up, 2^-24 apart. Two such rows of the head give logits a few roundings apart. Every largest logit is
// then a near-tie, which a row that is not computed bit for bit alike may decide differently.
//
//   weights   tiled [outputs][packs]   as stored; lib/fill_random/place.wgsl has the order
//
// Calls: `write_pack` (choice weights), `place_of` (lib/fill_random/place), `philox` (lib/random).
// Grid: (x, y) with x y LANES >= stored. One lane a pack.

struct Params {
    matrix: u32,    // which matrix of the model
    first_row: u32, // first row of the slab; even
    outputs: u32,   // rows of the slab
    inputs: u32,    // columns
    packs: u32,     // packs of a row
    stored: u32,    // packs of the slab, padding rows included
    unit: f32,      // a power of two
    twins: u32,     // 1: rows in pairs
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;

const LANES: u32 = 256u;
const TWIN_FIRST: f32 = 6.1035156e-5; // 2^-14, the smallest normal f16
const TWIN_STEP: f32 = 5.9604645e-8;  // 2^-24

// The values of four columns, from 16 random bits each.
fn four(row: u32, first: u32, twin: bool) -> vec4<f32> {
    let key = philox(vec2(params.matrix, state.seed_high), state.seed).x;
    let bits = philox(vec2(row, first), key);
    let sixteen = vec4(bits.x & 0xffffu, bits.x >> 16u, bits.y & 0xffffu, bits.y >> 16u);
    let odd = vec4<f32>(2 * vec4<i32>(sixteen & vec4(0x7ffu)) - 2047);
    let near = TWIN_FIRST + TWIN_STEP * vec4<f32>(sixteen & vec4(0xfu));
    let columns = vec4(first) + vec4(0u, 1u, 2u, 3u);
    return select(vec4(0.0), select(params.unit * odd, near, twin), columns < vec4(params.inputs));
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = (group.y * groups.x + group.x) * LANES + lane;
    if index >= params.stored {
        return;
    }
    let place = place_of(index, params.packs);
    var lo = vec4(0.0);
    var hi = vec4(0.0);
    if place.row < params.outputs {
        let row = params.first_row + place.row;
        let own = params.twins == 0u || place.pack == 0u;
        let twin = params.twins == 1u && place.pack == 0u;
        let source = select(row & 0xfffffffeu, row, own);
        lo = four(source, 8u * place.pack, twin);
        hi = four(source, 8u * place.pack + 4u, twin);
    }
    write_pack(index, lo, hi);
}
