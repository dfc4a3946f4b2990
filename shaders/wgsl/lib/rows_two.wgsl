// Choice `row_tiles`: 32 rows a workgroup, a block's.

const ROW_TILES: u32 = 2u;

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

fn finish_rows(lane: u32, slice: u32, sums: Sums) {
    finish_columns(lane, slice, 0u, sums);
    finish_columns(lane, slice, 1u, sums);
}
