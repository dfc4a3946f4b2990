// The attention mask: a row attends to the positions below `visible(row)`. `params.mask` is CAUSAL or BLOCK.

fn visible(row: u32) -> u32 {
    return select(state.start + row + 1u, state.start + state.rows, params.mask == BLOCK);
}
