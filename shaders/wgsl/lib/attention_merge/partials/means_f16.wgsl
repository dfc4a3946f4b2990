// Choice partials = means_f16: a split leaves the mean of its values, in f16 (lib/attention/coop.wgsl).
//
// Half as many bytes as sums in f32. A mean lies between values of the cache, which are f16 too.
//
//   partials   [kv_heads][splits][chunk_queries][head_vecs]   four f16 a vec2
//
// Supplies: `split_sum`.

@group(0) @binding(2) var<storage, read> partials: array<vec2<u32>>;

// Vec4 `vec` as a weighted sum of its split. `weight` is the sum of the split's weights.
fn split_sum(vec: u32, weight: f32) -> vec4<f32> {
    let words = partials[vec];
    return vec4(unpack2x16float(words.x), unpack2x16float(words.y)) * weight;
}
