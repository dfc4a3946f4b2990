// Parameters of `logit_parts`, `sampling_cut` and `sample`.

struct Params {
    vocabulary: u32,
    parts: u32,  // parts of a row (lib/logit_part.wgsl)
    groups: u32, // workgroups of `logit_parts` and of `sample` for a row
    draft: u32,  // 1: the logits are a draft's, and the last row is left out
}
