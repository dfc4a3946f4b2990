// Choice weights = f32: weights are written as f32.
//
//   weights   packs in the order of storage, two vec4 each
//
// Supplies: `write_pack`.

@group(0) @binding(2) var<storage, read_write> weights: array<vec4<f32>>;

fn write_pack(index: u32, lo: vec4<f32>, hi: vec4<f32>) {
    weights[2u * index] = lo;
    weights[2u * index + 1u] = hi;
}
