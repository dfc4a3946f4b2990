//! Twin of `lib/random.wgsl`: Philox 2x32-10, numbered by position, purpose and token id.

pub use crate::params::Purpose;
use crate::params::State;

/// Philox 2x32-10.
pub fn philox(counter: [u32; 2], mut key: u32) -> [u32; 2] {
    let [mut x, mut y] = counter;
    for _ in 0..10 {
        let product = 0xd256_d193_u64 * u64::from(x);
        [x, y] = [(product >> 32) as u32 ^ key ^ y, product as u32];
        key = key.wrapping_add(0x9e37_79b9);
    }
    [x, y]
}

/// 32 random bits.
pub fn random_bits(state: &State, position: u32, purpose: Purpose, id: u32) -> u32 {
    let [key, _] = philox([position, purpose as u32], state.seed[0]);
    philox([id, state.seed[1]], key)[0]
}

/// A uniform number in (0, 1).
pub fn uniform(bits: u32) -> f64 {
    ((f64::from(bits as f32) + 0.5) / 4_294_967_296.0).min(f64::from(0.999_999_94_f32))
}

/// A standard Gumbel variable.
pub fn gumbel(bits: u32) -> f64 {
    -(-(-uniform(bits)).ln_1p()).ln()
}
