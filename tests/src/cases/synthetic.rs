//! Kernels that no decoding takes: random weights, and the copy that others are measured against.

use bytemuck::Zeroable;
use orthrus::shaders::params::{Copied, FillRandom};
use orthrus::shaders::{Kernel, MATRIX_ROWS, PACK, State, WeightFormat, packs, twin};

use super::operands::stored;
use super::{Case, Expected, Instance, Rows};
use crate::random::Random;

/// A case for each of these kernels.
pub fn cases() -> Vec<Case> {
    let case = |kernel| match kernel {
        Kernel::FillRandom(format) => Some(Case::new(
            kernel,
            50,
            move |random| {
                let (outputs, inputs) = (random.between(1, 70), random.between(1, 60));
                let params = FillRandom {
                    matrix: random.between(0, 300) as u32,
                    first_row: 2 * random.between(0, 100_000) as u32,
                    twins: random.between(0, 1) as u32,
                    ..filling(outputs, inputs)
                };
                let seed = [random.bits() as u32, random.bits() as u32];
                fill_random(format, State { seed, ..State::zeroed() }, params)
            },
            Rows::None("it takes no pass"),
            move |_| fill_random(format, State::zeroed(), filling(2048, 2048)),
        )),
        Kernel::Copy => Some(Case::new(
            kernel,
            50,
            |random| {
                let count = random.between(1, 5000);
                copy(random, count)
            },
            Rows::None("it takes no pass"),
            |random| copy(random, 1 << 20),
        )),
        _ => None,
    };
    Kernel::all().into_iter().filter_map(case).collect()
}

/// Parameters for a whole matrix.
pub fn filling(outputs: usize, inputs: usize) -> FillRandom {
    FillRandom {
        matrix: 1,
        first_row: 0,
        outputs: outputs as u32,
        inputs: inputs as u32,
        packs: packs(inputs) as u32,
        stored: (outputs.next_multiple_of(MATRIX_ROWS) * packs(inputs)) as u32,
        unit: 2f32.powi(-16),
        twins: 0,
    }
}

/// Random weights. Padding is poisoned before, and written.
pub fn fill_random(format: WeightFormat, state: State, params: FillRandom) -> Instance {
    let bytes = params.stored as usize * PACK * format.bytes();
    Instance::new(Kernel::FillRandom(format), params.grid(), format!("{params:?}"))
        .with("state", &[state])
        .with("params", &[params])
        .with("weights", &vec![0xa5u8; bytes])
        .expect(move || {
            let values = twin::fill_random(&state, &params);
            let width = params.packs as usize * PACK;
            vec![("weights", Expected::Bytes(stored(format, &values, width)))]
        })
}

fn copy(random: &mut Random, count: usize) -> Instance {
    let x: Vec<[u32; 4]> = (0..count).map(|_| [0; 4].map(|_: u32| random.bits() as u32)).collect();
    let params = Copied { count: count as u32, pad: [0; 3] };
    // Nothing beyond the end is written.
    let out = vec![[7u32; 4]; count + 2000];
    Instance::new(Kernel::Copy, params.grid(), format!("{params:?}"))
        .with("params", &[params])
        .with("x", &x)
        .with("out", &out)
        .moves(32 * count)
        .expect(move || {
            let mut expected = out;
            twin::copy(&params, &x, &mut expected);
            vec![("out", Expected::exactly(&expected))]
        })
}
