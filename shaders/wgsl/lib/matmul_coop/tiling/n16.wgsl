// Choice tiling = n16: 16 outputs a workgroup. Small matrices have too few workgroups otherwise.
//
// Supplies: `Sums`, `Addends`, `zero`, `load_weights`, `weights_of`, `add_products`, `addends_of_columns`,
// `finish_columns`. Calls: `load_tile`, `stage_tile`, `staging_barrier`, `weight_tile` (choice staging),
// `no_sums`, `multiply` (choice m_tiles), `addends_of` (choice epilogue).

alias LoadedColumns = array<Loaded, 1>;
alias Weights = array<WeightTile, 1>;
alias Sums = array<Column, 1>;
alias Addends = array<vec2<f32>, 1>;

fn zero() -> Sums {
    return Sums(no_sums());
}

fn load_weights(at: u32, stride: u32) -> LoadedColumns {
    return LoadedColumns(load_tile(at));
}

fn weights_of(place: u32, loaded: LoadedColumns) -> Weights {
    stage_tile(place, loaded[0]);
    staging_barrier();
    let weights = Weights(weight_tile(place, loaded[0]));
    staging_barrier();
    return weights;
}

fn add_products(a: Inputs, b: Weights, sums: Sums) -> Sums {
    return Sums(multiply(a, b[0], sums[0]));
}

fn addends_of_columns(lane: u32, row_tile: u32) -> Addends {
    return Addends(addends_of(lane, first_row + row_tile * TILE, first_column));
}

fn finish_columns(lane: u32, slice: u32, row_tile: u32, sums: Sums, addends: Addends) {
    finish_round(lane, slice, row_tile, 0u, sums[0][row_tile], addends[0]);
}
