// Choice exchange = workgroup: the 32 lanes of a tile exchange values through workgroup memory. Any subgroup size.
//
// All lanes of the workgroup must call these functions.
//
// Supplies: `tile_max`, `tile_sum`, `half_tile_weights`.

var<workgroup> exchanged: array<PerQuery, LANES>;

fn exchange(index: u32, value: PerQuery) {
    workgroupBarrier();
    exchanged[index] = value;
    workgroupBarrier();
}

fn tile_max(index: u32, value: PerQuery) -> PerQuery {
    exchange(index, value);
    let first = index / TILE_LANES * TILE_LANES;
    var largest = exchanged[first];
    for (var lane = 1u; lane < TILE_LANES; lane++) {
        largest = max(largest, exchanged[first + lane]);
    }
    return largest;
}

fn tile_sum(index: u32, value: PerQuery) -> PerQuery {
    exchange(index, value);
    let first = index / TILE_LANES * TILE_LANES;
    var sum = exchanged[first];
    for (var lane = 1u; lane < TILE_LANES; lane++) {
        sum += exchanged[first + lane];
    }
    return sum;
}

// The weights at half of the tile's positions. Two lanes have each position.
fn half_tile_weights(index: u32, half: u32, weight: PerQuery) -> HalfTileWeights {
    exchange(index, weight);
    let first = index / TILE_LANES * TILE_LANES + half * 16u;
    return HalfTileWeights(
        exchanged[first],
        exchanged[first + 2u],
        exchanged[first + 4u],
        exchanged[first + 6u],
        exchanged[first + 8u],
        exchanged[first + 10u],
        exchanged[first + 12u],
        exchanged[first + 14u],
    );
}
