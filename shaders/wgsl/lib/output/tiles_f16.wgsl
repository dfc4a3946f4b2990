// Choice output = tiles_f16: activations are stored in f16 tiles (lib/tile.wgsl), as cooperative matrices load them.
//
// A value beyond f16's range becomes an infinity. Generation then ends with an error instead of wrong text.
//
//   out      tiles [rows][out_stride]   f16
//
// Supplies: `store_output`.

enable f16;

@group(0) @binding(4) var<storage, read_write> out: array<f16>;

fn store_output(row: u32, column: u32, value: f32) {
    out[in_tiles(row, column, params.out_stride / TILE)] = f16(value);
}
