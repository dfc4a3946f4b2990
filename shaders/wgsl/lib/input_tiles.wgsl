// Choice `input`: the first row of f16 tiles (lib/tile.wgsl).

@group(0) @binding(3) var<storage, read> x: array<vec4<u32>>;

fn prepare(lane: u32) {}

fn input_chunk(chunk: u32) -> Chunk {
    let words = x[chunk / 2u * 32u + chunk % 2u];
    return Chunk(
        vec4(unpack2x16float(words.x), unpack2x16float(words.y)),
        vec4(unpack2x16float(words.z), unpack2x16float(words.w)),
    );
}

fn squares_of(chunk: u32) -> f32 {
    return 0.0;
}

fn squares_of_part(part: u32, sum: f32) -> f32 {
    return sum;
}

fn norm_scale(square_sum: f32) -> f32 {
    return 1.0;
}
