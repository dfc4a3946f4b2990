//! Products by cooperative matrices: of blocks, and of prefill passes. Inputs are f16 numbers, so that only sums round.

use bytemuck::Zeroable;
use orthrus::shaders::params::{Candidate, Grid, Matmul, MatmulCoop, Swiglu, padded};
use orthrus::shaders::{
    ActivationLayout, CoopTiling, Epilogue, GATED_SCALE, Kernel, PREFILL_TILE, Rows as RowsChoice, SplitK, State,
    TILE, WeightFormat, WeightStaging, packs, twin,
};

use super::operands::{
    among_others, expected_output, half_rows, in_tiles_of, output_row, pass, poison, poisoned_output, stored,
};
use super::{Case, Expected, Instance, Need, PREFILL_PLACES, Place, RowInstance, Rows};
use crate::random::Random;

/// A case for each of these kernels.
pub fn cases() -> Vec<Case> {
    let case = |kernel| {
        let seeds = match kernel {
            Kernel::MatmulCoop { .. } => 6,
            Kernel::MatmulPrefill { .. } => 12,
            _ => return None,
        };
        let case = Case::new(
            kernel,
            seeds,
            move |random| random_product(random, kernel),
            Rows::invariant(PREFILL_PLACES, move |random, place| row(random, kernel, place)),
            move |random| bench(random, kernel),
        );
        let staged = matches!(kernel, Kernel::MatmulCoop { staging: WeightStaging::Staged, .. });
        Some(if staged { case.needs(Need::SubgroupsOf32) } else { case })
    };
    Kernel::all().into_iter().filter_map(case).collect()
}

/// What a product ends in.
pub fn epilogue_of(kernel: Kernel) -> Epilogue {
    match kernel {
        Kernel::MatmulCoop { epilogue, .. } | Kernel::MatmulPrefill { epilogue, .. } => epilogue,
        _ => unreachable!("{kernel:?}"),
    }
}

fn split_k_of(kernel: Kernel) -> SplitK {
    match kernel {
        Kernel::MatmulCoop { tiling, .. } => tiling.split_k(),
        Kernel::MatmulPrefill { split_k, .. } => split_k,
        _ => unreachable!("{kernel:?}"),
    }
}

/// Outputs of which a workgroup keeps the best logit.
fn outputs_per_group(kernel: Kernel) -> usize {
    match kernel {
        Kernel::MatmulCoop { tiling, .. } => tiling.outputs(),
        _ => PREFILL_TILE,
    }
}

/// A pass in which only these rows are the product's. A kernel that counts the others finds none.
fn pass_of(kernel: Kernel, rows: usize) -> State {
    match kernel {
        Kernel::MatmulCoop { rows: RowsChoice::Logits, .. } => {
            State { logit_rows: rows as u32, ..State::zeroed() }
        }
        _ => State { rows: rows as u32, ..State::zeroed() },
    }
}

/// A product: `x` is `[rows][padded inputs]`, and so are the weights.
pub struct Product {
    /// Rows of the pass.
    pub rows: usize,
    /// Values of a row.
    pub inputs: usize,
    /// Rows of the matrix.
    pub outputs: usize,
    /// Values from one row of the result to the next.
    pub out_stride: usize,
    /// Factor of all products.
    pub scale: f32,
    /// What is there before: for [`Epilogue::AddResidual`].
    pub residual: Vec<f32>,
    /// The rows.
    pub x: Vec<f32>,
}

impl Product {
    /// Products with random rows. SwiGLU takes outputs in pairs of tiles.
    fn random(random: &mut Random, rows: usize, most: [usize; 2], epilogue: Epilogue) -> Product {
        let inputs = random.between(1, most[0]);
        let outputs = match epilogue {
            Epilogue::SwiGlu => 2 * TILE * random.between(1, most[1] / TILE / 2),
            _ => random.between(1, most[1]),
        };
        let x = half_rows(random, rows, inputs);
        Product { rows, inputs, outputs, out_stride: 0, scale: 1.0, residual: Vec::new(), x }.fitted(epilogue)
    }

    /// The least stride for what the product ends in.
    fn fitted(self, epilogue: Epilogue) -> Product {
        let out_stride = if epilogue == Epilogue::SwiGlu { self.outputs / 2 } else { self.outputs };
        Product { out_stride, ..self }
    }

    /// Runs `kernel` in `workgroups` at most, if it is `matmul_prefill`. `stored_weights` are as the kernel reads them, and
    /// `weights` as the twin does.
    pub fn run(
        self,
        kernel: Kernel,
        workgroups: usize,
        stored_weights: &[u8],
        weights: impl FnOnce() -> Vec<f32> + 'static,
    ) -> Instance {
        let epilogue = epilogue_of(kernel);
        let width = padded(self.inputs);
        let group = outputs_per_group(kernel);
        let groups = self.outputs.div_ceil(group);
        let params = MatmulCoop {
            outputs: self.outputs as u32,
            k_tiles: (packs(self.inputs) / 2) as u32,
            out_stride: if epilogue == Epilogue::PartialArgmax { groups } else { self.out_stride } as u32,
            out_first: 0,
            scale: self.scale,
            pad: [0; 3],
        };
        let grid: Grid = match kernel {
            Kernel::MatmulCoop { m_tiles, tiling, .. } => params.grid(self.rows, m_tiles, tiling),
            _ => params.prefill_grid(self.rows, workgroups),
        };
        let what = format!("{} rows, {params:?}, {workgroups} workgroups", self.rows);
        let totals = match kernel {
            Kernel::MatmulPrefill { .. } => MatmulCoop::prefill_totals(self.rows, self.outputs, workgroups),
            _ => 0,
        };
        let instance = Instance::new(kernel, grid, what)
            .with("state", &[pass_of(kernel, self.rows)])
            .with("params", &[params])
            .with("weights", stored_weights)
            // Room for what the largest workgroup takes.
            .with("x", &in_tiles_of(&self.x, width, PREFILL_TILE));
        let instance = match epilogue {
            Epilogue::Store => instance.with("out", &poison(self.rows * self.out_stride)),
            Epilogue::AddResidual => instance.with("out", &self.residual),
            Epilogue::SwiGlu => {
                let tiles = poisoned_output(ActivationLayout::TilesF16, self.rows, self.out_stride);
                instance.with("out", &tiles)
            }
            Epilogue::PartialArgmax => {
                instance.with("out", &vec![Candidate { logit: 0.0, id: 77 }; self.rows * groups])
            }
        };
        let instance = if totals > 0 { instance.with("totals", &vec![f32::NAN; totals]) } else { instance };
        instance.expect(move || {
            let products = self.by_twin(&weights());
            let out = match epilogue {
                Epilogue::Store | Epilogue::AddResidual => Expected::Near(self.stored(&products), 3e-5),
                Epilogue::SwiGlu => {
                    // f16 keeps 11 bits.
                    let gated = gated(self.rows, self.outputs, &products);
                    let tiles = ActivationLayout::TilesF16;
                    expected_output(tiles, gated, self.out_stride, [0.0, 1e-3], GATED_SCALE)
                }
                Epilogue::PartialArgmax => best_of_groups(products, self.outputs, group),
            };
            vec![("out", out), ("totals", Expected::Scratch)]
        })
    }

    /// `[rows][outputs]`, times the scale.
    fn by_twin(&self, weights: &[f32]) -> Vec<f32> {
        let outputs = self.outputs as u32;
        let params = Matmul { outputs, packs: packs(self.inputs) as u32, out_stride: outputs, out_first: 0 };
        let mut products = vec![0.0; self.rows * self.outputs];
        let state = pass(0, self.rows);
        twin::matmul(&state, &params, RowsChoice::All, Epilogue::Store, weights, &self.x, &mut products);
        products.iter_mut().for_each(|product| *product *= self.scale);
        products
    }

    /// `[rows][out_stride]`: the products, added to what was there.
    fn stored(&self, products: &[f32]) -> Vec<f32> {
        let mut out = match self.residual.is_empty() {
            true => poison(self.rows * self.out_stride),
            false => self.residual.clone(),
        };
        for (row, products) in products.chunks(self.outputs).enumerate() {
            for (o, product) in products.iter().enumerate() {
                let at = row * self.out_stride + o;
                out[at] = if self.residual.is_empty() { *product } else { out[at] + product };
            }
        }
        out
    }
}

/// silu(gate) · up of products in which tiles of gate and up take turns.
pub fn gated(rows: usize, outputs: usize, products: &[f32]) -> Vec<f32> {
    let width = outputs / 2;
    let params = Swiglu { width: width as u32, out_stride: width as u32, pad: [0; 2] };
    let mut gated = vec![0.0; rows * width];
    twin::swiglu(&pass(0, rows), &params, products, &mut gated);
    gated
}

/// Of each row, the best of each `group` logits. Where two nearly tie, either may be it.
pub fn best_of_groups(logits: Vec<f32>, outputs: usize, group: usize) -> Expected {
    Expected::such(move |found: &[Candidate]| {
        let groups = outputs.div_ceil(group);
        if found.len() != logits.len() / outputs * groups {
            return Err(format!("{} candidates", found.len()));
        }
        for (at, found) in found.iter().enumerate() {
            let (row, first) = (at / groups, at % groups * group);
            let of_row = &logits[row * outputs..][..outputs];
            let of_group = &of_row[first..(first + group).min(outputs)];
            let best = of_group.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let near = |a: f32, b: f32| (a - b).abs() <= 3e-5 * b.abs().max(1.0);
            let own = (found.id as usize).checked_sub(first).and_then(|o| of_group.get(o));
            if !near(found.logit, best) || own.is_none_or(|own| !near(found.logit, *own)) {
                return Err(format!("row {row}, ids from {first}: {found:?}, the best is {best}"));
            }
        }
        Ok(())
    })
}

fn random_product(random: &mut Random, kernel: Kernel) -> Instance {
    let epilogue = epilogue_of(kernel);
    let prefill = matches!(kernel, Kernel::MatmulPrefill { .. });
    let rows = random.between(1, if prefill { 300 } else { 140 });
    // Some workgroups have several tiles of rows and outputs.
    let workgroups = random.between(1, 6);
    let mut product = Product::random(random, rows, [900, 160], epilogue);
    if let Epilogue::Store | Epilogue::AddResidual = epilogue {
        product.out_stride += 3;
        product.scale = 0.5;
    }
    if epilogue == Epilogue::AddResidual {
        product.residual = random.units(rows * product.out_stride);
    }
    let weights = half_rows(random, product.outputs, product.inputs);
    let stored = stored(WeightFormat::F16, &weights, padded(product.inputs));
    product.run(kernel, workgroups, &stored, || weights)
}

/// A row alone and anywhere in a block or a prefill pass. Kernels of the same slices give it the same bits.
fn row(random: &mut Random, kernel: Kernel, place: Place) -> RowInstance {
    let epilogue = epilogue_of(kernel);
    let one = Product::random(random, 1, [1500, 300], epilogue);
    let weights = half_rows(random, one.outputs, one.inputs);
    let stored = stored(WeightFormat::F16, &weights, padded(one.inputs));
    let residual = random.units(one.outputs);
    let x = among_others(random, &one.x, place);
    let residual = match epilogue {
        Epilogue::AddResidual => among_others(random, &residual, place),
        _ => Vec::new(),
    };
    let group = outputs_per_group(kernel);
    let (outputs, stride) = (one.outputs, one.out_stride);
    RowInstance {
        key: match epilogue {
            Epilogue::PartialArgmax => format!("{:?} {epilogue:?} of {group}", split_k_of(kernel)),
            _ => format!("{:?} {epilogue:?}", split_k_of(kernel)),
        },
        instance: Product { rows: place.rows, x, residual, ..one }.run(kernel, 6, &stored, || weights),
        row: Box::new(move |loaded| match epilogue {
            Epilogue::Store | Epilogue::AddResidual => {
                loaded.read::<f32>("out")[place.at * stride..][..outputs].to_vec()
            }
            Epilogue::SwiGlu => {
                output_row(loaded, "out", ActivationLayout::TilesF16, place.at, stride, stride)
            }
            Epilogue::PartialArgmax => {
                let groups = outputs.div_ceil(group);
                let of_row = loaded.read::<Candidate>("out")[place.at * groups..][..groups].to_vec();
                of_row.iter().flat_map(|best| [best.logit, best.id as f32]).collect()
            }
        }),
    }
}

/// The output projection of the 1.7B.
fn bench(random: &mut Random, kernel: Kernel) -> Instance {
    let epilogue = epilogue_of(kernel);
    let rows = match kernel {
        Kernel::MatmulCoop { m_tiles, .. } => m_tiles.rows(),
        _ => 512,
    };
    let (inputs, outputs) = (2048, 2048);
    let x = half_rows(random, rows, inputs);
    let residual = if epilogue == Epilogue::AddResidual { vec![0.0; rows * outputs] } else { Vec::new() };
    let weights = half_rows(random, outputs, inputs);
    let stored = stored(WeightFormat::F16, &weights, inputs);
    let product = Product { rows, inputs, outputs, out_stride: 0, scale: 1.0, residual, x }.fitted(epilogue);
    product.run(kernel, 256, &stored, || weights)
}

/// The kernel of a tiling for `rows` rows: by tiles of rows, or for prefill.
pub fn kernel_for(rows: usize, tiling: CoopTiling, staging: WeightStaging, epilogue: Epilogue) -> Kernel {
    use orthrus::shaders::MTiles;
    let coop = |m_tiles| Kernel::MatmulCoop { rows: RowsChoice::All, m_tiles, tiling, staging, epilogue };
    match rows {
        0..=16 => coop(MTiles::One),
        17..=32 => coop(MTiles::Two),
        _ => Kernel::MatmulPrefill { split_k: tiling.split_k(), epilogue },
    }
}
