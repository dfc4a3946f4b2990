// Choice epilogue = add_residual: the product is added to the residual stream.
//
// Supplies: `store_value`.

fn store_value(index: u32, value: f32) {
    out[index] += value;
}
