// Choice input = normed_staged: the residual stream, RMS-normed once a workgroup, in workgroup memory.
//
// For rows of up to INPUT_ROOM values.
//
//   x        [rows][2 packs]   vec4; row source_row(0)
//   norm     [2 packs]         vec4; zeros in the padding
//
// Supplies: `prepare`, `input_pack`, `squares_of`, `squares_of_part`.

@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> norm: array<vec4<f32>>;

const INPUT_ROOM: u32 = SLICES * INPUT_ROOM_OF_SLICE;

// The row times the norm's weights, and each lane's sum of squares.
var<workgroup> inputs: array<vec4<f32>, INPUT_ROOM / 4u>;
var<workgroup> squares_of_lanes: array<f32, LANES>;

fn prepare(lane: u32) {
    let vecs = 2u * params.packs;
    let row = source_row(0u) * vecs;
    var sum = 0.0;
    for (var i = lane; i < vecs; i += LANES) {
        let values = x[row + i];
        sum += dot(values, values);
        inputs[i] = values * norm[i];
    }
    squares_of_lanes[lane] = sum;
    workgroupBarrier();
}

fn input_pack(pack: u32) -> Pack {
    return Pack(inputs[2u * pack], inputs[2u * pack + 1u]);
}

fn squares_of(pack: u32) -> f32 {
    return 0.0;
}

fn squares_of_part(part: u32, sum: f32) -> f32 {
    let lanes = LANES / PARTS;
    var squares = 0.0;
    for (var i = 0u; i < lanes; i++) {
        squares += squares_of_lanes[part * lanes + i];
    }
    return squares;
}
