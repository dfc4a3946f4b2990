// Choice m_tiles = two: 32 rows a workgroup, which share the weights.
//
// Supplies: `Inputs`, `Column`, `no_sums`, `load_inputs`, `multiply`, `addends_of_rows`, `finish_rows`.

alias Inputs = array<InputTile, 2>;
alias Column = array<SumTile, 2>;

fn no_sums() -> Column {
    return Column(SumTile(), SumTile());
}

fn load_inputs(at: u32, stride: u32) -> Inputs {
    return Inputs(input_tile(at), input_tile(at + stride));
}

fn multiply(a: Inputs, b: WeightTile, sums: Column) -> Column {
    return Column(coopMultiplyAdd(a[0], b, sums[0]), coopMultiplyAdd(a[1], b, sums[1]));
}

fn addends_of_rows(lane: u32) -> array<Addends, 2> {
    return array<Addends, 2>(addends_of_columns(lane, 0u), addends_of_columns(lane, 1u));
}

fn finish_rows(lane: u32, slice: u32, sums: Sums, addends: array<Addends, 2>) {
    finish_columns(lane, slice, 0u, sums, addends[0]);
    finish_columns(lane, slice, 1u, sums, addends[1]);
}
