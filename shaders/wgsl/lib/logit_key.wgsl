// Keys of logits: integers in the order of the logits. Drivers cannot round them, or drop a test for NaN.

const LOWEST_KEY: u32 = 0u; // key of NaN

// The key of a logit. Both zeros have the same key.
fn key_of_logit(logit: f32) -> u32 {
    let bits = bitcast<u32>(logit);
    let magnitude = bits & 0x7fffffffu;
    let sign = select(bits & 0x80000000u, 0u, magnitude == 0u);
    let key = select(magnitude | 0x80000000u, ~(sign | magnitude), sign != 0u);
    return select(key, LOWEST_KEY, magnitude > 0x7f800000u);
}

fn logit_of_key(key: u32) -> f32 {
    return bitcast<f32>(select(~key, key & 0x7fffffffu, key >> 31u == 1u));
}
