// Choice exchange = subgroup: the 32 lanes of a tile are a subgroup.
//
// Supplies: `tile_max`, `tile_sum`, `half_tile_weights`.

fn tile_max(index: u32, value: PerQuery) -> PerQuery {
    return subgroupMax(value);
}

fn tile_sum(index: u32, value: PerQuery) -> PerQuery {
    return subgroupAdd(value);
}

// The weights at half of the tile's positions. Two lanes have each position.
fn half_tile_weights(index: u32, half: u32, weight: PerQuery) -> HalfTileWeights {
    let first = half * 16u;
    return HalfTileWeights(
        subgroupShuffle(weight, first),
        subgroupShuffle(weight, first + 2u),
        subgroupShuffle(weight, first + 4u),
        subgroupShuffle(weight, first + 6u),
        subgroupShuffle(weight, first + 8u),
        subgroupShuffle(weight, first + 10u),
        subgroupShuffle(weight, first + 12u),
        subgroupShuffle(weight, first + 14u),
    );
}
