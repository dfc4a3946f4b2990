// Choice `row_tiles`: 128 rows a workgroup, for prompts.

const ROW_TILES: u32 = 8u;

alias Inputs = array<InputTile, 8>;
alias Column = array<SumTile, 8>;

fn no_sums() -> Column {
    return Column(SumTile(), SumTile(), SumTile(), SumTile(), SumTile(), SumTile(), SumTile(), SumTile());
}

fn load_inputs(at: u32, stride: u32) -> Inputs {
    return Inputs(
        input_tile(at),
        input_tile(at + stride),
        input_tile(at + 2u * stride),
        input_tile(at + 3u * stride),
        input_tile(at + 4u * stride),
        input_tile(at + 5u * stride),
        input_tile(at + 6u * stride),
        input_tile(at + 7u * stride),
    );
}

fn multiply(a: Inputs, b: WeightTile, sums: Column) -> Column {
    return Column(
        coopMultiplyAdd(a[0], b, sums[0]),
        coopMultiplyAdd(a[1], b, sums[1]),
        coopMultiplyAdd(a[2], b, sums[2]),
        coopMultiplyAdd(a[3], b, sums[3]),
        coopMultiplyAdd(a[4], b, sums[4]),
        coopMultiplyAdd(a[5], b, sums[5]),
        coopMultiplyAdd(a[6], b, sums[6]),
        coopMultiplyAdd(a[7], b, sums[7]),
    );
}

fn finish_rows(lane: u32, slice: u32, sums: Sums) {
    if ROUND == 1u {
        put_row(slice, sums, 0u, 0u);
        finish_round(lane, 0u);
        put_row(slice, sums, 1u, 0u);
        finish_round(lane, 1u);
        put_row(slice, sums, 2u, 0u);
        finish_round(lane, 2u);
        put_row(slice, sums, 3u, 0u);
        finish_round(lane, 3u);
        put_row(slice, sums, 4u, 0u);
        finish_round(lane, 4u);
        put_row(slice, sums, 5u, 0u);
        finish_round(lane, 5u);
        put_row(slice, sums, 6u, 0u);
        finish_round(lane, 6u);
        put_row(slice, sums, 7u, 0u);
        finish_round(lane, 7u);
    } else {
        put_row(slice, sums, 0u, 0u);
        put_row(slice, sums, 1u, 1u);
        finish_round(lane, 0u);
        put_row(slice, sums, 2u, 0u);
        put_row(slice, sums, 3u, 1u);
        finish_round(lane, 2u);
        put_row(slice, sums, 4u, 0u);
        put_row(slice, sums, 5u, 1u);
        finish_round(lane, 4u);
        put_row(slice, sums, 6u, 0u);
        put_row(slice, sums, 7u, 1u);
        finish_round(lane, 6u);
    }
}
