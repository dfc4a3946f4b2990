// Choice `columns`: 16 outputs a workgroup. For small matrices, of which there would be too few workgroups otherwise.

const COLUMN_TILES: u32 = 1u;
const ROUND: u32 = 2u; // tiles of rows whose partial sums are in workgroup memory together

alias Weights = array<WeightTile, 1>;
alias Sums = array<Column, 1>;

fn zero() -> Sums {
    return Sums(no_sums());
}

fn load_weights(at: u32, stride: u32) -> Weights {
    return Weights(weight_tile(at));
}

fn add_products(a: Inputs, b: Weights, sums: Sums) -> Sums {
    return Sums(multiply(a, b[0], sums[0]));
}

fn store_partials(sums: Sums, row_tile: u32, at: u32) {
    let first = at;
    let stride = TILE;
    coopStoreT(sums[0][row_tile], &partials[first], stride);
}
