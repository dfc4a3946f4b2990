//! The portable matrix product.

use orthrus::shaders::params::{Matmul, padded};
use orthrus::shaders::{Epilogue, Kernel, PACK, Rows as RowsChoice, RowsPerLane, SplitK, State, WeightFormat, packs, twin};

use super::operands::{among_others, pass, poison, random_pass, random_rows, stored, weight_rows};
use super::{Case, Expected, Instance, PLACES, Place, RowInstance, Rows};
use crate::random::Random;

/// Choices of `matmul`.
#[derive(Clone, Copy)]
struct Choices {
    weights: WeightFormat,
    rows: RowsChoice,
    rows_per_lane: RowsPerLane,
    split_k: SplitK,
    epilogue: Epilogue,
}

/// A case for each `matmul`.
pub fn cases() -> Vec<Case> {
    let choices = |kernel| match kernel {
        Kernel::Matmul { weights, rows, rows_per_lane, split_k, epilogue } => {
            Some((kernel, Choices { weights, rows, rows_per_lane, split_k, epilogue }))
        }
        _ => None,
    };
    let case = |(kernel, choices): (Kernel, Choices)| {
        Case::new(
            kernel,
            16,
            move |random| random_product(random, kernel, choices),
            Rows::invariant(PLACES, move |random, place| row(random, kernel, choices, place)),
            move |random| bench(random, kernel, choices),
        )
    };
    Kernel::all().into_iter().filter_map(choices).map(case).collect()
}

/// A product: `x` is `[rows][padded inputs]`, and so are the weights.
struct Product {
    state: State,
    params: Matmul,
    weights: Vec<f32>,
    x: Vec<f32>,
    out: Vec<f32>,
}

impl Product {
    fn run(self, kernel: Kernel, choices: Choices, rows: usize) -> Instance {
        let Product { state, params, weights, mut x, out } = self;
        let width = PACK * params.packs as usize;
        let what = format!("{rows} rows, {state:?}, {params:?}");
        // Rows beyond the pass, which a lane may read, hold anything.
        x.resize(rows.next_multiple_of(choices.rows_per_lane.rows()) * width, f32::NAN);
        Instance::new(kernel, params.grid(rows, choices.rows_per_lane, choices.split_k), what)
            .with("state", &[state])
            .with("params", &[params])
            .with("weights", &stored(choices.weights, &weights, width))
            .with("x", &x)
            .with("out", &out)
            .expect(move || {
                let mut expected = out;
                twin::matmul(&state, &params, choices.rows, choices.epilogue, &weights, &x, &mut expected);
                // Up to 700 products in sequence, partial sums up to about 15.
                vec![("out", Expected::Near(expected, 3e-5))]
            })
    }
}


fn random_product(random: &mut Random, kernel: Kernel, choices: Choices) -> Instance {
    let rows = random_rows(random);
    let state = random_pass(random, rows);
    let inputs = random.between(1, 700);
    let outputs = random.between(1, 150);
    let out_first = random.between(0, 5);
    let out_stride = out_first + outputs + random.between(0, 5);
    let params = Matmul {
        outputs: outputs as u32,
        packs: packs(inputs) as u32,
        out_stride: out_stride as u32,
        out_first: out_first as u32,
    };
    let weights = weight_rows(random, choices.weights, outputs, inputs);
    let x = random.units(rows * padded(inputs));
    let mut out = poison(rows * out_stride);
    if choices.epilogue == Epilogue::AddResidual {
        for row in 0..choices.rows.count(&state) {
            out[row * out_stride + out_first..][..outputs].copy_from_slice(&random.units(outputs));
        }
    }
    Product { state, params, weights, x, out }.run(kernel, choices, rows)
}

fn row(random: &mut Random, kernel: Kernel, choices: Choices, place: Place) -> RowInstance {
    let inputs = random.between(1, 1500);
    let outputs = random.between(1, 90);
    let n = outputs as u32;
    let params = Matmul { outputs: n, packs: packs(inputs) as u32, out_stride: n, out_first: 0 };
    let weights = weight_rows(random, WeightFormat::F16, outputs, inputs);
    let x = random.units(padded(inputs));
    let out = match choices.epilogue {
        Epilogue::AddResidual => random.units(outputs),
        _ => poison(outputs),
    };
    let x = among_others(random, &x, place);
    let out = match choices.epilogue {
        Epilogue::AddResidual => among_others(random, &out, place),
        _ => poison(place.rows * outputs),
    };
    let product = Product { state: pass(0, place.rows), params, weights, x, out };
    RowInstance {
        key: format!("{:?} {:?} {:?}", choices.weights, choices.split_k, choices.epilogue),
        instance: product.run(kernel, choices, place.rows),
        row: Box::new(move |loaded| loaded.read::<f32>("out")[place.at * outputs..][..outputs].to_vec()),
    }
}

/// The output projection of the 1.7B.
fn bench(random: &mut Random, kernel: Kernel, choices: Choices) -> Instance {
    let rows = if choices.rows_per_lane == RowsPerLane::One { 1 } else { 32 };
    let (inputs, outputs) = (2048, 2048);
    let params =
        Matmul { outputs: outputs as u32, packs: packs(inputs) as u32, out_stride: outputs as u32, out_first: 0 };
    let weights = weight_rows(random, choices.weights, outputs, inputs);
    let x = random.units(rows * inputs);
    let out = vec![0.0; rows * outputs];
    Product { state: pass(0, rows), params, weights, x, out }.run(kernel, choices, rows)
}
