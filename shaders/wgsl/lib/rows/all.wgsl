// Choice rows = all: the kernel works on every row of the pass.
//
// Supplies: `row_count`, `source_row`.

fn row_count() -> u32 {
    return state.rows;
}

fn source_row(row: u32) -> u32 {
    return row;
}
