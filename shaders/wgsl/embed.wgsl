// embed: the embedding of each row's token, in f32.
//
//   x[row] = weights[id(row)]                          row < state.rows
//   id(row) = mask_id if masked and row > 0, else tokens[start + row]
//
// `weights` may be one of several slabs of the table, split by rows. A row whose id lies in another slab is left to
// that slab's dispatch.
//
//   tokens   [context]              ids by position
//   weights  tiled [ids][packs]     rows first_id .. first_id + ids of the table
//   x        [rows][2 packs]        vec4
//
// Calls: `weight_pack` (choice weights), `tiled` (lib/pack).
// Grid: (packs / LANES, rows). One lane a pack.

struct Params {
    packs: u32,    // packs of a row
    first_id: u32, // id of the slab's first row
    ids: u32,      // rows of the slab
    masked: u32,   // 1: rows after the first are masks
    mask_id: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> tokens: array<u32>;
@group(0) @binding(4) var<storage, read_write> x: array<vec4<f32>>;

const LANES: u32 = 64u;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.y;
    let pack = group.x * LANES + lane;
    if row >= state.rows || pack >= params.packs {
        return;
    }
    var id = tokens[state.start + row];
    if params.masked == 1u && row > 0u {
        id = params.mask_id;
    }
    if id < params.first_id || id - params.first_id >= params.ids {
        return;
    }
    let values = weight_pack(tiled(id - params.first_id, pack, params.packs));
    let at = 2u * (row * params.packs + pack);
    x[at] = values.lo;
    x[at + 1u] = values.hi;
}
