// Choice `queries`: sixteen at a time.

const QUERY_TILES: u32 = 1u;

alias Sums = array<SumTile, 1>;

fn zero() -> Sums {
    return Sums(SumTile());
}

fn add_scores(q_at: u32, q_stride: u32, key: KeyTile, sums: Sums) -> Sums {
    return Sums(coopMultiplyAdd(query_tile(q_at), key, sums[0]));
}

fn store_scores(sums: Sums, tile: u32) {
    let first = tile * TILE_VALUES;
    let stride = TILE;
    coopStoreT(sums[0], &scores[first], stride);
}

fn add_values(tile: u32, value: KeyTile, sums: Sums) -> Sums {
    return Sums(coopMultiplyAdd(weight_tile(tile), value, sums[0]));
}

fn store_sums(sums: Sums, at: u32, width: u32) {
    let first = at;
    let stride = width;
    coopStoreT(sums[0], &partial_sums[first], stride);
}
