// Positions that a row attends to: those below the one given. params.mask says which view's.

fn visible(row: u32) -> u32 {
    return select(state.start + row + 1u, state.start + state.rows, params.mask == BLOCK);
}
