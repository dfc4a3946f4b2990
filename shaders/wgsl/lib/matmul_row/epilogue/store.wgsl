// Choice epilogue = store: the product is stored in f32.
//
//   out      [out_stride]   f32; out_first is a column
//
// Supplies: `N_TILES`, `finish_products`.

@group(0) @binding(4) var<storage, read_write> out: array<f32>;

const N_TILES: u32 = 1u;

fn finish_products(lane: u32, first: u32, addend: f32) {
    if lane < OUTPUTS && first + lane < params.outputs {
        out[params.out_first + first + lane] = total(lane);
    }
}
