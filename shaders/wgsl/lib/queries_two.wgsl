// Choice `queries`: 32 at a time, which halves the traffic of keys and values.

const QUERY_TILES: u32 = 2u;

alias Sums = array<SumTile, 2>;

fn zero() -> Sums {
    return Sums(SumTile(), SumTile());
}

fn add_scores(q_at: u32, q_stride: u32, key: KeyTile, sums: Sums) -> Sums {
    return Sums(
        coopMultiplyAdd(query_tile(q_at), key, sums[0]),
        coopMultiplyAdd(query_tile(q_at + q_stride), key, sums[1]),
    );
}

fn store_scores(sums: Sums, tile: u32) {
    let first = tile * TILE_VALUES;
    let second = (SPLIT_TILES + tile) * TILE_VALUES;
    let stride = TILE;
    coopStoreT(sums[0], &scores[first], stride);
    coopStoreT(sums[1], &scores[second], stride);
}

fn add_values(tile: u32, value: KeyTile, sums: Sums) -> Sums {
    return Sums(
        coopMultiplyAdd(weight_tile(tile), value, sums[0]),
        coopMultiplyAdd(weight_tile(SPLIT_TILES + tile), value, sums[1]),
    );
}

fn store_sums(sums: Sums, at: u32, width: u32) {
    let first = at;
    let second = at + TILE * width;
    let stride = width;
    coopStoreT(sums[0], &partial_sums[first], stride);
    coopStoreT(sums[1], &partial_sums[second], stride);
}
