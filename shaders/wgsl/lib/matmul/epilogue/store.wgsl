// Choice epilogue = store: the product is stored.
//
// Supplies: `store_value`.

fn store_value(index: u32, value: f32) {
    out[index] = value;
}
