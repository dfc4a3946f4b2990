// Choice `output`: f32, row after row.

@group(0) @binding(4) var<storage, read_write> out: array<f32>;

fn store_output(row: u32, column: u32, value: f32) {
    out[row * params.out_stride + column] = value;
}
