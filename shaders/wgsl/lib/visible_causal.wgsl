// Choice `visible`: a row attends to every position up to its own. The AR view.

fn visible(row: u32) -> u32 {
    return state.start + row + 1u;
}
