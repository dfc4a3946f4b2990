// Choice `tile_lanes`: the 32 lanes of a tile need not be a subgroup, and tell each other through workgroup memory. All of the
// workgroup must call these.

var<workgroup> told: array<PerQuery, LANES>;

fn tell(index: u32, value: PerQuery) {
    workgroupBarrier();
    told[index] = value;
    workgroupBarrier();
}

fn largest_of_tile(index: u32, value: PerQuery) -> PerQuery {
    tell(index, value);
    let first = index / TILE_LANES * TILE_LANES;
    var largest = told[first];
    for (var lane = 1u; lane < TILE_LANES; lane++) {
        largest = max(largest, told[first + lane]);
    }
    return largest;
}

fn sum_of_tile(index: u32, value: PerQuery) -> PerQuery {
    tell(index, value);
    let first = index / TILE_LANES * TILE_LANES;
    var sum = told[first];
    for (var lane = 1u; lane < TILE_LANES; lane++) {
        sum += told[first + lane];
    }
    return sum;
}

// What the lanes of half of a tile's positions have, two lanes the same.
fn half_of_weights(index: u32, half: u32, weight: PerQuery) -> HalfOfWeights {
    tell(index, weight);
    let first = index / TILE_LANES * TILE_LANES + half * 16u;
    return HalfOfWeights(
        told[first],
        told[first + 2u],
        told[first + 4u],
        told[first + 6u],
        told[first + 8u],
        told[first + 10u],
        told[first + 12u],
        told[first + 14u],
    );
}
