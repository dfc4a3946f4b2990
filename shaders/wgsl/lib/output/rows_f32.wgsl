// Choice output = rows_f32: activations are stored in f32, row after row.
//
//   out      [rows][out_stride]   f32
//
// Supplies: `store_output`.

@group(0) @binding(4) var<storage, read_write> out: array<f32>;

fn store_output(row: u32, column: u32, value: f32) {
    out[row * params.out_stride + column] = value;
}
