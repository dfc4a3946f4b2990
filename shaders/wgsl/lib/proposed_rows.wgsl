// Rows of logits that ids are chosen from: of a draft (1), not the last, whose proposal is not used.

fn proposed_rows(draft: u32) -> u32 {
    return state.logit_rows - min(draft, state.logit_rows);
}
