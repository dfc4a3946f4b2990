// Choice epilogue = add_residual: the product is added to the residual stream.
//
//   out      [out_stride]   f32, read and written; out_first is a column
//
// Supplies: `N_TILES`, `addend_of`, `finish_products`.

@group(0) @binding(4) var<storage, read_write> out: array<f32>;

const N_TILES: u32 = 1u;

fn addend_of(lane: u32, first: u32) -> f32 {
    if lane < OUTPUTS && first + lane < params.outputs {
        return out[params.out_first + first + lane];
    }
    return 0.0;
}

fn finish_products(lane: u32, first: u32, addend: f32) {
    if lane < OUTPUTS && first + lane < params.outputs {
        out[params.out_first + first + lane] = addend + total(lane);
    }
}
