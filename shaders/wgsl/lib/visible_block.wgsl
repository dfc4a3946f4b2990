// Choice `visible`: a row attends to the cache and to every row of its block. The diffusion view.

fn visible(row: u32) -> u32 {
    return state.start + state.rows;
}
