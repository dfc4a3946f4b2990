// Choice `store`: the product is written.

fn store(index: u32, value: f32) {
    out[index] = value;
}
