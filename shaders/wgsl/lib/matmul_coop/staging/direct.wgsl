// Choice staging = direct: a subgroup loads tiles of weights from storage as cooperative matrices. Any subgroup size.
//
//   weights   tiled [outputs][16 k_tiles]   f16
//
// Supplies: `Loaded`, `load_tile`, `stage_tile`, `staging_barrier`, `weight_tile`.

@group(0) @binding(2) var<storage, read> weights: array<f16>;

alias Loaded = WeightTile;

fn load_tile(at: u32) -> Loaded {
    return coopLoad<WeightTile>(&weights[at], 16u);
}

fn stage_tile(place: u32, loaded: Loaded) {}

fn staging_barrier() {}

fn weight_tile(place: u32, loaded: Loaded) -> WeightTile {
    return loaded;
}
