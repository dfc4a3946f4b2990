// Choice partials = sums_f32: a split leaves the weighted sum of its values, in f32.
//
//   partials   [kv_heads][splits][chunk_queries][head_vecs]   vec4
//
// Supplies: `split_sum`.

@group(0) @binding(2) var<storage, read> partials: array<vec4<f32>>;

// Vec4 `vec` as a weighted sum of its split. `weight` is the sum of the split's weights.
fn split_sum(vec: u32, weight: f32) -> vec4<f32> {
    return partials[vec];
}
