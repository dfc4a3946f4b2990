// Choice `output`: f16 in tiles (lib/tile.wgsl), for cooperative matrices. A value beyond f16's range becomes an
// infinity, and ends in the error for logits that are not numbers rather than in wrong text.

enable f16;

@group(0) @binding(4) var<storage, read_write> out: array<f16>;

fn store_output(row: u32, column: u32, value: f32) {
    out[in_tiles(row, column, params.out_stride / TILE)] = f16(value);
}
