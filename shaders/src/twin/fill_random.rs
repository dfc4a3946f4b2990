use super::random::philox;
use crate::constants::PACK;
use crate::params::{FillRandom, State};

/// Twin of `fill_random.wgsl`: the slab, `[outputs][PACK * packs]`, rows padded with zeros.
///
/// f16 holds the values exactly.
pub fn fill_random(state: &State, params: &FillRandom) -> Vec<f32> {
    let [key, _] = philox([params.matrix, state.seed[1]], state.seed[0]);
    let mut weights = Vec::new();
    for row in params.first_row..params.first_row + params.outputs {
        for column in 0..params.packs * PACK as u32 {
            let twin = params.twins == 1 && column < PACK as u32;
            let source = if params.twins == 1 && !twin { row & !1 } else { row };
            let [low, high] = philox([source, column & !3], key);
            let word = if column % 4 < 2 { low } else { high };
            let bits = if column.is_multiple_of(2) { word & 0xffff } else { word >> 16 };
            weights.push(match column < params.inputs {
                false => 0.0,
                true if twin => 2f32.powi(-14) + 2f32.powi(-24) * (bits & 0xf) as f32,
                true => params.unit * (2 * (bits & 0x7ff) as i32 - 2047) as f32,
            });
        }
    }
    weights
}
