// Choice `store`: the product is written.

fn store_value(index: u32, value: f32) {
    out[index] = value;
}
