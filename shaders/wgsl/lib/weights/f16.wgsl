// Choice weights = f16: two weights a word, the earlier one in the low half.
//
// WGSL's f16 type is not needed, and one 16-byte load fetches a pack.
//
//   weights   tiled packs (lib/pack.wgsl), one a vec4
//
// Supplies: `weight_pack`.

@group(0) @binding(2) var<storage, read> weights: array<vec4<u32>>;

fn weight_pack(index: u32) -> Pack {
    let words = weights[index];
    return Pack(
        vec4(unpack2x16float(words.x), unpack2x16float(words.y)),
        vec4(unpack2x16float(words.z), unpack2x16float(words.w)),
    );
}
