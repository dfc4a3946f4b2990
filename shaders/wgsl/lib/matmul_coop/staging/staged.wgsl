// Choice staging = staged: lanes load tiles of weights into workgroup memory, and the subgroup takes them from there.
//
// For subgroups of 32 lanes. A driver may load a cooperative matrix from storage value by value: NVIDIA's takes
// eight loads of two bytes a lane for a tile of weights. Staging takes two loads of eight bytes, two stores and one
// cooperative load. Each subgroup has room for one tile of each tile of outputs.
//
//   weights   tiled [outputs][16 k_tiles]   f16, four a vec4
//
// Supplies: `Loaded`, `load_tile`, `stage_tile`, `staging_barrier`, `weight_tile`.

@group(0) @binding(2) var<storage, read> weights: array<vec4<f16>>;

const TILE_VECS: u32 = TILE_VALUES / 4u;
const LINE_VECS: u32 = TILE / 4u;
const HALF_VECS: u32 = TILE_VECS / 2u; // a vec4 a lane

// A lane's part of a tile.
alias Loaded = array<vec4<f16>, 2>;

var<workgroup> staged: array<vec4<f16>, SLICES * N_TILES * TILE_VECS>;

fn load_tile(at: u32) -> Loaded {
    let vec = at / 4u + subgroup_lane;
    return Loaded(weights[vec], weights[vec + HALF_VECS]);
}

fn stage_tile(place: u32, loaded: Loaded) {
    let vec = place * TILE_VECS + subgroup_lane;
    staged[vec] = loaded[0];
    staged[vec + HALF_VECS] = loaded[1];
}

fn staging_barrier() {
    subgroupBarrier();
}

fn weight_tile(place: u32, loaded: Loaded) -> WeightTile {
    return coopLoad<WeightTile>(&staged[place * TILE_VECS], LINE_VECS);
}
