// Rows of logits from which ids are chosen. A draft pass (draft = 1) leaves out its last row, whose id nobody uses.

fn proposed_rows(draft: u32) -> u32 {
    return state.logit_rows - min(draft, state.logit_rows);
}
