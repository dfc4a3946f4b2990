// Choice `store`: the product is added to what is there, the residual stream.

fn store_value(index: u32, value: f32) {
    out[index] += value;
}
