// Choice epilogue = add_residual: the product is added to the residual stream.
//
//   out      [rows][out_stride]   f32, read and written; out_first is a column
//
// Supplies: `addend`, `finish_value`.

@group(0) @binding(4) var<storage, read_write> out: array<f32>;

fn addend(at: u32, first_row: u32, column: u32) -> f32 {
    let row = first_row + at / TILE;
    let output = column * TILE + at % TILE;
    if row < row_count() && output < params.outputs {
        return out[row * params.out_stride + params.out_first + output];
    }
    return 0.0;
}

fn finish_value(at: u32, first_row: u32, column: u32, addend: f32) {
    let row = first_row + at / TILE;
    let output = column * TILE + at % TILE;
    if row < row_count() && output < params.outputs {
        out[row * params.out_stride + params.out_first + output] = addend + total(at);
    }
}
