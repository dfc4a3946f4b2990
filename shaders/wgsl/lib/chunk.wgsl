// A chunk is 8 consecutive values of a row, the unit in which rows are read and padded: 16 bytes of f16.

struct Chunk {
    lo: vec4<f32>,
    hi: vec4<f32>,
}
