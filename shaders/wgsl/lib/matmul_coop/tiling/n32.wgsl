// Choice tiling = n32: 32 outputs a workgroup, which share the inputs.
//
// Supplies: `Sums`, `Addends`, `zero`, `load_weights`, `weights_of`, `add_products`, `addends_of_columns`,
// `finish_columns`. Calls: `load_tile`, `stage_tile`, `staging_barrier`, `weight_tile` (choice staging),
// `no_sums`, `multiply` (choice m_tiles), `addends_of` (choice epilogue).

alias LoadedColumns = array<Loaded, 2>;
alias Weights = array<WeightTile, 2>;
alias Sums = array<Column, 2>;
alias Addends = array<vec2<f32>, 2>;

fn zero() -> Sums {
    return Sums(no_sums(), no_sums());
}

fn load_weights(at: u32, stride: u32) -> LoadedColumns {
    return LoadedColumns(load_tile(at), load_tile(at + stride));
}

fn weights_of(place: u32, loaded: LoadedColumns) -> Weights {
    stage_tile(place, loaded[0]);
    stage_tile(place + 1u, loaded[1]);
    staging_barrier();
    let weights = Weights(weight_tile(place, loaded[0]), weight_tile(place + 1u, loaded[1]));
    staging_barrier();
    return weights;
}

fn add_products(a: Inputs, b: Weights, sums: Sums) -> Sums {
    return Sums(multiply(a, b[0], sums[0]), multiply(a, b[1], sums[1]));
}

fn addends_of_columns(lane: u32, row_tile: u32) -> Addends {
    let row = first_row + row_tile * TILE;
    return Addends(addends_of(lane, row, first_column), addends_of(lane, row, first_column + 1u));
}

fn finish_columns(lane: u32, slice: u32, row_tile: u32, sums: Sums, addends: Addends) {
    finish_round(lane, slice, row_tile, 0u, sums[0][row_tile], addends[0]);
    finish_round(lane, slice, row_tile, 1u, sums[1][row_tile], addends[1]);
}
