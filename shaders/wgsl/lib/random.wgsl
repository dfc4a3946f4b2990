// Counter-based random numbers: Philox 2x32-10 (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers, 2011).
//
// The counter says what the number is for: the same seed gives the same number at the same position for the same
// purpose, whatever cycle or block draws it.

// High and low word of a product: WGSL has no 64-bit integers.
fn wide_product(a: u32, b: u32) -> vec2<u32> {
    let a_low = a & 0xffffu;
    let a_high = a >> 16u;
    let b_low = b & 0xffffu;
    let b_high = b >> 16u;
    let low = a_low * b_low;
    let middle = a_high * b_low + (low >> 16u);
    let cross = a_low * b_high + (middle & 0xffffu);
    return vec2(a_high * b_high + (middle >> 16u) + (cross >> 16u), a * b);
}

fn philox(counter: vec2<u32>, key: u32) -> vec2<u32> {
    var c = counter;
    var k = key;
    for (var round = 0u; round < 10u; round++) {
        let product = wide_product(0xd256d193u, c.x);
        c = vec2(product.x ^ k ^ c.y, product.y);
        k += 0x9e3779b9u;
    }
    return c;
}

// 32 random bits for a purpose, a position and a token id (or 0).
fn random_bits(position: u32, purpose: u32, id: u32) -> u32 {
    let key = philox(vec2(position, purpose), state.seed).x;
    return philox(vec2(id, state.seed_high), key).x;
}

// A uniform number in (0, 1). Small numbers have all 24 bits of an f32.
fn uniform_of(bits: u32) -> f32 {
    return min((f32(bits) + 0.5) * 2.3283064e-10, 0.99999994);
}

// A standard Gumbel variable: the largest logit + Gumbel falls on an id with the softmax's probability.
// It is -log(E) of an exponential E = -log(1 - u). Among many ids the winner's u is small. There the series is
// accurate, and WGSL's log is not.
fn gumbel_of(bits: u32) -> f32 {
    let u = uniform_of(bits);
    let series = u * fma(u, fma(u, fma(u, 0.25, 0.33333334), 0.5), 1.0);
    return -log(select(-log(1.0 - u), series, u < 0.02));
}
