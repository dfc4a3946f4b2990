// Choice `rows`: the kernel works on the rows whose logits are wanted, packed to the front.

fn row_count() -> u32 {
    return state.logit_rows;
}

fn source_row(row: u32) -> u32 {
    return state.logit_first + row;
}
