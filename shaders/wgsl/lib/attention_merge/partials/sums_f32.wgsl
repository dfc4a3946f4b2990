// Choice `partials`: weighed values of a split, their sums, as `attention` and `attention_row` leave them.

@group(0) @binding(2) var<storage, read> partials: array<vec4<f32>>;

// A vec4 of the sums of a split whose weights sum to `weight`.
fn split_sum(vec: u32, weight: f32) -> vec4<f32> {
    return partials[vec];
}
