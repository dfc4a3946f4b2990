// Choice `input`: f32 as it is.

@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;

fn prepare(lane: u32) {}

fn input_pack(pack: u32) -> Pack {
    return Pack(x[2u * pack], x[2u * pack + 1u]);
}
