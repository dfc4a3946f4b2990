// Choice `input`: f32 as it is.

@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;

fn prepare(lane: u32) {}

fn input_chunk(chunk: u32) -> Chunk {
    return Chunk(x[2u * chunk], x[2u * chunk + 1u]);
}
