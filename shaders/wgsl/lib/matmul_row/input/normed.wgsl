// Choice input = normed: the residual stream, which each lane RMS-norms for itself. Rows of any length.
//
// Every workgroup sums the squares again, which costs less than a dispatch of its own.
//
//   x        [rows][2 packs]   vec4; row source_row(0)
//   norm     [2 packs]         vec4; zeros in the padding
//
// Supplies: `prepare`, `input_pack`, `squares_of`, `squares_of_part`.

@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> norm: array<vec4<f32>>;

fn residual(pack: u32) -> Pack {
    let at = 2u * (source_row(0u) * params.packs + pack);
    return Pack(x[at], x[at + 1u]);
}

fn prepare(lane: u32) {}

fn input_pack(pack: u32) -> Pack {
    let x = residual(pack);
    return Pack(x.lo * norm[2u * pack], x.hi * norm[2u * pack + 1u]);
}

fn squares_of(pack: u32) -> f32 {
    let x = residual(pack);
    return dot(x.lo, x.lo) + dot(x.hi, x.hi);
}

fn squares_of_part(part: u32, sum: f32) -> f32 {
    return sum;
}
