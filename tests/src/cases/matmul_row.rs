//! The product with a single row. Inputs are f16 numbers, so that only sums round.

use orthrus::shaders::params::{Candidate, Matmul, MatmulRow, RmsNorm, padded};
use orthrus::shaders::{
    ActivationLayout, Epilogue, Kernel, Rows as RowsChoice, RowInput, TILE, WeightFormat, packs, twin,
};

use super::matmul_coop::{best_of_groups, gated};
use super::operands::{expected_output, half_rows, in_tiles_of, pass, poison, poisoned_output, stored};
use super::{Case, Expected, Instance, Rows};
use crate::random::Random;

/// Choices of `matmul_row` that decide its operands.
#[derive(Clone, Copy)]
struct Choices {
    weights: WeightFormat,
    input: RowInput,
    epilogue: Epilogue,
    output: ActivationLayout,
}

/// A case for each `matmul_row`.
pub fn cases() -> Vec<Case> {
    let case = |kernel| match kernel {
        Kernel::MatmulRow { weights, input, epilogue, output, .. } => {
            let choices = Choices { weights, input, epilogue, output };
            Some(Case::new(
                kernel,
                20,
                move |random| {
                    let (inputs, outputs) = (random.between(1, 2048), 2 * TILE * random.between(1, 5));
                    product(random, kernel, choices, inputs, outputs)
                },
                Rows::None("it takes one row"),
                // The output projection of the 1.7B.
                move |random| product(random, kernel, choices, 2048, 2048),
            ))
        }
        _ => None,
    };
    Kernel::all().into_iter().filter_map(case).collect()
}

fn product(random: &mut Random, kernel: Kernel, choices: Choices, inputs: usize, outputs: usize) -> Instance {
    let Choices { weights: format, input, epilogue, output } = choices;
    let width = padded(inputs);
    let is_normed = matches!(input, RowInput::Normed | RowInput::NormedStaged);
    let weights = half_rows(random, outputs, inputs);
    let (x, norm) = (half_rows(random, 1, inputs), half_rows(random, 1, inputs));
    let residual = random.units(outputs);
    let scale = match epilogue {
        Epilogue::Store | Epilogue::AddResidual => random.pick(&[1.0, 0.5]),
        Epilogue::SwiGlu | Epilogue::PartialArgmax => 1.0,
    };
    let params = MatmulRow {
        outputs: outputs as u32,
        packs: packs(inputs) as u32,
        inputs: inputs as u32,
        out_stride: (outputs / 2) as u32,
        out_first: 0,
        scale,
        eps: 1e-6,
        pad: 0,
    };
    let instance = Instance::new(kernel, params.grid(epilogue), format!("{params:?}"))
        .with("state", &[pass(0, 1)])
        .with("params", &[params])
        .with("weights", &stored(format, &weights, width));
    let instance = match input {
        RowInput::TilesF16 => instance.with("x", &in_tiles_of(&x, width, TILE)),
        RowInput::RowsF32 | RowInput::Normed | RowInput::NormedStaged => instance.with("x", &x),
    };
    let instance = if is_normed { instance.with("norm", &norm) } else { instance };
    let instance = match epilogue {
        Epilogue::Store => instance.with("out", &poison(outputs)),
        Epilogue::AddResidual => instance.with("out", &residual),
        Epilogue::SwiGlu => instance.with("out", &poisoned_output(output, 1, outputs / 2)),
        Epilogue::PartialArgmax => {
            instance.with("out", &vec![Candidate { logit: 0.0, id: 77 }; outputs / TILE])
        }
    };
    instance.expect(move || {
        let mut row = x.clone();
        if is_normed {
            let stride = width as u32;
            let params = RmsNorm { width: inputs as u32, stride, out_stride: stride, eps: 1e-6 };
            twin::rms_norm(&pass(0, 1), &params, RowsChoice::All, &x, &norm, &mut row);
        }
        let n = outputs as u32;
        let params = Matmul { outputs: n, packs: packs(inputs) as u32, out_stride: n, out_first: 0 };
        let mut products = vec![0.0; outputs];
        let store = Epilogue::Store;
        twin::matmul(&pass(0, 1), &params, RowsChoice::All, store, &weights, &row, &mut products);
        products.iter_mut().for_each(|product| *product *= scale);
        let out = match epilogue {
            Epilogue::Store => Expected::Near(products, 3e-5),
            Epilogue::AddResidual => {
                let sums = residual.iter().zip(&products).map(|(before, product)| before + product);
                Expected::Near(sums.collect(), 3e-5)
            }
            Epilogue::SwiGlu => {
                // A product of two sums, one of which may be large where the other is off. More inputs, more rounding.
                let tolerance = 5e-5 * (inputs as f32 / 900.0).max(1.0);
                let gated = gated(1, outputs, &products);
                expected_output(output, gated, outputs / 2, [tolerance, 1e-3], output.gated_scale())
            }
            Epilogue::PartialArgmax => best_of_groups(products, outputs, TILE),
        };
        vec![("out", out)]
    })
}
