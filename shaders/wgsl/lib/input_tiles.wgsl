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
