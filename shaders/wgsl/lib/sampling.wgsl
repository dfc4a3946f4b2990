// Parameters of `logit_parts`, `sampling_cut` and `sample`.

struct Params {
    vocabulary: u32,
    parts: u32,  // of a row: see lib/logit_part.wgsl
    groups: u32, // of a row: workgroups of `logit_parts` and of `sample`
    draft: u32,  // 1: the row after the last draft is left out
}
