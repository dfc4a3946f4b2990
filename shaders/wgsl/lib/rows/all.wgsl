// Choice `rows`: the kernel works on every row of the pass.

fn row_count() -> u32 {
    return state.rows;
}

fn source_row(row: u32) -> u32 {
    return row;
}
