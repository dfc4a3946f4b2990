// Choice weights = f32: one weight a word.
//
//   weights   tiled packs (lib/pack.wgsl), two vec4 each
//
// Supplies: `weight_pack`.

@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;

fn weight_pack(index: u32) -> Pack {
    return Pack(weights[2u * index], weights[2u * index + 1u]);
}
