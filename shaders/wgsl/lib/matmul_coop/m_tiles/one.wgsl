// Choice m_tiles = one: 16 rows a workgroup.
//
// Supplies: `Inputs`, `Column`, `no_sums`, `load_inputs`, `multiply`, `addends_of_rows`, `finish_rows`.

alias Inputs = array<InputTile, 1>;
alias Column = array<SumTile, 1>;

fn no_sums() -> Column {
    return Column(SumTile());
}

fn load_inputs(at: u32, stride: u32) -> Inputs {
    return Inputs(input_tile(at));
}

fn multiply(a: Inputs, b: WeightTile, sums: Column) -> Column {
    return Column(coopMultiplyAdd(a[0], b, sums[0]));
}

fn addends_of_rows(lane: u32) -> array<Addends, 1> {
    return array<Addends, 1>(addends_of_columns(lane, 0u));
}

fn finish_rows(lane: u32, slice: u32, sums: Sums, addends: array<Addends, 1>) {
    finish_columns(lane, slice, 0u, sums, addends[0]);
}
