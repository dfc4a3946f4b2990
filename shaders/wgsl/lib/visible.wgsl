// Positions that a row attends to: those below the one given. params.visible says which view's.

const CAUSAL: u32 = 0u; // the AR view: up to its own
const BLOCK: u32 = 1u;  // the diffusion view: the text before the block, and the whole block

fn visible(row: u32) -> u32 {
    return select(state.start + row + 1u, state.start + state.rows, params.visible == BLOCK);
}
