// Choice epilogue = store: the product is stored in f32.
//
//   out      [rows][out_stride]   f32; out_first is a column
//
// Supplies: `finish_value`.

@group(0) @binding(4) var<storage, read_write> out: array<f32>;

fn finish_value(at: u32, first_row: u32, column: u32, addend: f32) {
    let row = first_row + at / TILE;
    let output = column * TILE + at % TILE;
    if row < row_count() && output < params.outputs {
        out[row * params.out_stride + params.out_first + output] = total(at);
    }
}
