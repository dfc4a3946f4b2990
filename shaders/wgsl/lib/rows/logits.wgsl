// Choice rows = logits: the kernel works on the rows whose logits are wanted, packed to the front.
//
// Supplies: `row_count`, `source_row`.

fn row_count() -> u32 {
    return state.logit_rows;
}

fn source_row(row: u32) -> u32 {
    return state.logit_first + row;
}
