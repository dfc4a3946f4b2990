// Choice `columns`: 32 outputs a workgroup, which share the inputs they load.

const COLUMN_TILES: u32 = 2u;
const ROUND: u32 = 1u; // tiles of rows whose partial sums are in workgroup memory together

alias Weights = array<WeightTile, 2>;
alias Sums = array<Column, 2>;

fn zero() -> Sums {
    return Sums(no_sums(), no_sums());
}

fn load_weights(at: u32, stride: u32) -> Weights {
    return Weights(weight_tile(at), weight_tile(at + stride));
}

fn add_products(a: Inputs, b: Weights, sums: Sums) -> Sums {
    return Sums(multiply(a, b[0], sums[0]), multiply(a, b[1], sums[1]));
}

fn store_partials(sums: Sums, row_tile: u32, at: u32) {
    let first = at;
    let second = at + TILE_VALUES;
    let stride = TILE;
    coopStoreT(sums[0][row_tile], &partials[first], stride);
    coopStoreT(sums[1][row_tile], &partials[second], stride);
}
