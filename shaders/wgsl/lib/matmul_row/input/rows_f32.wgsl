// Choice input = rows_f32: activations in f32, no norm.
//
//   x        [2 packs]   vec4
//
// Supplies: `prepare`, `input_pack`.

@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;

fn prepare(lane: u32) {}

fn input_pack(pack: u32) -> Pack {
    return Pack(x[2u * pack], x[2u * pack + 1u]);
}
