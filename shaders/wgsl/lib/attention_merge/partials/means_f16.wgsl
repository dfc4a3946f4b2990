// Choice `partials`: weighed values of a split, their means in f16, as the kernels of lib/attention/coop.wgsl leave them: half
// as much to read. A mean lies between values of the cache, which are f16.

@group(0) @binding(2) var<storage, read> partials: array<vec2<u32>>;

// A vec4 of the sums of a split whose weights sum to `weight`.
fn split_sum(vec: u32, weight: f32) -> vec4<f32> {
    let words = partials[vec];
    return vec4(unpack2x16float(words.x), unpack2x16float(words.y)) * weight;
}
