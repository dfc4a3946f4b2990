// Choice `columns`: 16 outputs a workgroup. For small matrices, of which there would be too few workgroups otherwise.

alias BroughtColumns = array<Brought, 1>;
alias Weights = array<WeightTile, 1>;
alias Sums = array<Column, 1>;
alias Addends = array<vec2<f32>, 1>;

fn zero() -> Sums {
    return Sums(no_sums());
}

fn bring_weights(at: u32, stride: u32) -> BroughtColumns {
    return BroughtColumns(bring(at));
}

fn weights_of(place: u32, brought: BroughtColumns) -> Weights {
    stage_tile(place, brought[0]);
    lanes_meet();
    let weights = Weights(weight_tile(place, brought[0]));
    lanes_meet();
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
