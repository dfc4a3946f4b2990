// Choice input = tiles_f16: row 0 of activations in f16 tiles (lib/tile.wgsl), no norm.
//
//   x        tiles [16][packs]   eight f16 a vec4
//
// Supplies: `prepare`, `input_pack`.

@group(0) @binding(3) var<storage, read> x: array<vec4<u32>>;

fn prepare(lane: u32) {}

fn input_pack(pack: u32) -> Pack {
    let words = x[pack / 2u * 32u + pack % 2u];
    return Pack(
        vec4(unpack2x16float(words.x), unpack2x16float(words.y)),
        vec4(unpack2x16float(words.z), unpack2x16float(words.w)),
    );
}
