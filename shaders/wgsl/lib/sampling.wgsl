// The parameters of `survey`, `distribution` and `sample`.

struct Params {
    vocabulary: u32,
    parts: u32,  // of a row: see lib/part.wgsl
    groups: u32, // of a row: workgroups of `survey` and of `sample`
    draft: u32,  // 1: the row after the last draft is left out
}
