//! The kernels of tier `coop`, and of `--ar-kernel fast`, against the twins of the plain ones.
//!
//! An adapter without the tier says what it lacks, and its kernels are validated only. Mesa's software adapter runs them
//! from version 26 on: `ORTHRUS_TEST_ANY_MATRIX=1`.
//!
//! Inputs are f16 numbers, so that only sums round.

use bytemuck::Zeroable;
use half::f16;
use orthrus::shaders::params::{
    Argmax, Candidate, Grid, Matmul, MatmulCoop, MatmulRow, RmsNorm, Swiglu, padded,
};
use orthrus::shaders::twin;
use orthrus::shaders::{
    ActivationLayout, Cache, Candidates, CoopTiling, Epilogue, GATED_SCALE, Kernel, KvSplits, MTiles, Mask,
    NO_ID, PREFILL_TILE, ROUND_ROBIN_SPLITS, ROUND_ROBIN_TILES, ROW_HEADS, RowInput, RowQueries, Rows,
    STAGED_HEAD, SplitK, State, Store, TILE, WeightFormat, packs,
};
use orthrus::{Gpu, GpuOptions, Tier};
use orthrus_tests::coop::{Heads, attend, halves, on_coop, pass, rows_of, staging, tile_lanes};
use orthrus_tests::gpu::options;
use orthrus_tests::kernel::{
    Operands, assert_close, assert_same_bits, from_tiles, in_tiles_of, on_random_shapes, poison, stored,
};
use orthrus_tests::random::Random;

#[test]
fn an_adapter_without_the_tier_says_what_it_lacks() {
    for report in orthrus::adapters_blocking() {
        let lacks = report.tiers.iter().find(|(tier, _)| *tier == Tier::Coop).unwrap().1.clone();
        let options = GpuOptions { adapter: Some(report.name.clone()), ..options(Tier::Coop) };
        match (lacks, Gpu::open(&options)) {
            (None, opened) => assert_eq!(opened.unwrap().tier(), Tier::Coop),
            // Mesa's software adapter takes sizes that it does not list.
            (Some(_), Ok(_)) => assert!(options.any_matrix_size),
            (Some(lacks), Err(error)) => {
                assert!(error.to_string().contains(&lacks), "{lacks}: {error}");
                // Names, and not how Rust writes a struct.
                assert!(!lacks.contains('{'), "{lacks}");
            }
        }
    }
}

/// A product with random operands, and what the twin says of it.
struct Shape {
    rows: usize,
    inputs: usize,
    outputs: usize,
    weights: Vec<f32>,
    x: Vec<f32>,
    product: Vec<f32>,
}

impl Shape {
    fn random(random: &mut Random, rows: usize, most_inputs: usize, pairs: bool) -> Shape {
        let inputs = random.between(1, most_inputs);
        let outputs = if pairs { 32 * random.between(1, 5) } else { random.between(1, 150) };
        let weights = rows_of(random, outputs, inputs);
        let x = rows_of(random, rows, inputs);
        let params = Matmul {
            outputs: outputs as u32,
            packs: packs(inputs) as u32,
            y_stride: outputs as u32,
            y_first: 0,
        };
        let mut product = vec![0.0; rows * outputs];
        twin::matmul(&pass(rows), &params, Rows::All, Epilogue::Store, &weights, &x, &mut product);
        Shape { rows, inputs, outputs, weights, x, product }
    }

    fn params(&self, out_stride: usize, scale: f32) -> MatmulCoop {
        MatmulCoop {
            outputs: self.outputs as u32,
            k_tiles: (packs(self.inputs) / 2) as u32,
            out_stride: out_stride as u32,
            out_first: 0,
            scale,
            pad: [0; 3],
        }
    }

    /// silu(gate) up, gate and up by turns.
    fn gated(&self) -> Vec<f32> {
        let width = self.outputs / 2;
        let params = Swiglu { width: width as u32, out_stride: width as u32, pad: [0; 2] };
        let mut gated = vec![0.0; self.rows * width];
        twin::swiglu(&pass(self.rows), &params, &self.product, &mut gated);
        gated
    }

    /// The best of each `group` outputs of a row.
    fn best(&self, group: usize) -> Vec<Candidate> {
        let of_row = |row: &[f32]| -> Vec<Candidate> {
            row.chunks(group)
                .enumerate()
                .map(|(i, logits)| {
                    let mut best = (0, logits[0]);
                    for (at, &logit) in logits.iter().enumerate() {
                        if logit > best.1 {
                            best = (at, logit);
                        }
                    }
                    Candidate { logit: best.1, id: (i * group + best.0) as u32 }
                })
                .collect()
        };
        self.product.chunks(self.outputs).flat_map(of_row).collect()
    }
}

/// A pass in which only these rows are the shape's: a kernel that counts the others finds none.
fn pass_of(shape: &Shape, rows: Rows) -> State {
    let count = shape.rows as u32;
    match rows {
        Rows::All => State { rows: count, ..State::zeroed() },
        Rows::Logits => State { logit_rows: count, ..State::zeroed() },
    }
}

fn coop<'a>(gpu: &'a Gpu, shape: &Shape, params: &MatmulCoop, rows: Rows) -> Operands<'a> {
    let stride = padded(shape.inputs);
    let mut x = in_tiles_of(&shape.x, stride);
    // As many as the largest workgroup takes.
    x.resize(shape.rows.next_multiple_of(PREFILL_TILE) * stride, f16::NAN);
    Operands::new(gpu)
        .storage(&[pass_of(shape, rows)])
        .params(params)
        .storage(&stored(WeightFormat::F16, &shape.weights, stride))
        .storage(&x)
}

/// Checks the products that are written, and those that are added to what is there.
fn check_values(
    gpu: &Gpu,
    random: &mut Random,
    shape: &Shape,
    kernel: impl Fn(Epilogue) -> Kernel,
    grid: impl Fn(&MatmulCoop) -> Grid,
    what: &str,
) {
    let stride = shape.outputs + 3;
    let params = shape.params(stride, 0.5);
    let mut expected = poison(shape.rows * stride);
    let before = random.units(shape.rows * stride);
    for (row, product) in shape.product.chunks(shape.outputs).enumerate() {
        for (o, value) in product.iter().enumerate() {
            expected[row * stride + o] = 0.5 * value;
        }
    }
    let run = coop(gpu, shape, &params, Rows::All)
        .storage(&poison(shape.rows * stride))
        .totals(kernel(Epilogue::Store), shape.rows, shape.outputs)
        .run(kernel(Epilogue::Store), grid(&params));
    assert_close(&run.read(4, expected.len()), &expected, 3e-5, &format!("{what}, value"));

    let run = coop(gpu, shape, &params, Rows::All)
        .storage(&before)
        .totals(kernel(Epilogue::AddResidual), shape.rows, shape.outputs)
        .run(kernel(Epilogue::AddResidual), grid(&params));
    for (i, expected) in expected.iter_mut().enumerate() {
        let written = i % stride < shape.outputs;
        *expected = if written { *expected + before[i] } else { before[i] };
    }
    assert_close(&run.read(4, expected.len()), &expected, 3e-5, &format!("{what}, sum"));
}

#[test]
fn matmul_coop() {
    on_coop(|gpu, random, what| {
        for m_tiles in MTiles::ALL {
            for columns in CoopTiling::ALL {
                let rows = random.between(1, 140);
                let what = format!("{what}, {rows} rows, {m_tiles:?}, {columns:?}");
                let shape = Shape::random(random, rows, 900, false);
                let staging = random.pick(staging(gpu));
                let kernel = |rows, product| Kernel::MatmulCoop { rows, m_tiles, columns, staging, product };
                let grid = |params: &MatmulCoop| params.grid(rows, m_tiles, columns);
                check_values(gpu, random, &shape, |product| kernel(Rows::All, product), grid, &what);

                let groups = shape.outputs.div_ceil(columns.outputs());
                let params = shape.params(groups, 1.0);
                for of in [Rows::All, Rows::Logits] {
                    let run = coop(gpu, &shape, &params, of)
                        .storage(&vec![Candidate { logit: 0.0, id: 77 }; rows * groups])
                        .run(kernel(of, Epilogue::PartialArgmax), grid(&params));
                    let found: Vec<Candidate> = run.read(4, rows * groups);
                    let what = format!("{what}, best of {of:?}");
                    assert_best(&found, &shape.best(columns.outputs()), &what);
                }
            }
        }
    });
}

#[test]
fn matmul_prefill() {
    on_coop(|gpu, random, what| {
        for slices in SplitK::ALL {
            let rows = random.between(1, 300);
            // Some have several tiles of rows and outputs.
            let workgroups = random.between(1, 6) as u32;
            let what = format!("{what}, {rows} rows, {slices:?}, {workgroups} workgroups");
            let kernel = |product| Kernel::MatmulPrefill { slices, product };
            let grid = |params: &MatmulCoop| [params.prefill_grid(rows)[0].min(workgroups), 1, 1];
            let shape = Shape::random(random, rows, 900, false);
            check_values(gpu, random, &shape, kernel, grid, &what);
            let shape = Shape::random(random, rows, 900, true);
            check_gated(gpu, &shape, kernel(Epilogue::SwiGlu), grid, &what);
        }
    });
}

/// Ids may differ where logits nearly tie: the twin adds in another order.
fn assert_best(found: &[Candidate], expected: &[Candidate], what: &str) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found.logit - expected.logit).abs() <= 3e-5 * expected.logit.abs().max(1.0),
            "{what}: {found:?}, {expected:?}"
        );
    }
    let same = found.iter().zip(expected).filter(|(found, expected)| found.id == expected.id).count();
    assert!(same * 100 >= found.len() * 98, "{what}: {same} ids of {} are the same", found.len());
}

/// Checks gated products.
fn check_gated(gpu: &Gpu, shape: &Shape, kernel: Kernel, grid: impl Fn(&MatmulCoop) -> Grid, what: &str) {
    let width = shape.outputs / 2;
    let params = shape.params(width, 1.0);
    let mut out = vec![f16::NAN; shape.rows.next_multiple_of(TILE) * width];
    let run = coop(gpu, shape, &params, Rows::All)
        .storage(&out)
        .totals(kernel, shape.rows, shape.outputs)
        .run(kernel, grid(&params));
    out = run.read(4, out.len());
    let found: Vec<f32> = from_tiles(&out, shape.rows, width).iter().map(|v| v / GATED_SCALE).collect();
    // f16 keeps 11 bits.
    assert_close(&found, &shape.gated(), 1e-3, &format!("{what}, gated"));
}

#[test]
fn matmul_coop_gated() {
    on_coop(|gpu, random, what| {
        for m_tiles in MTiles::ALL {
            for columns in [CoopTiling::N32K16, CoopTiling::N32K8, CoopTiling::N32K4] {
                let rows = random.between(1, 140);
                let shape = Shape::random(random, rows, 900, true);
                let kernel = Kernel::MatmulCoop {
                    rows: Rows::All,
                    m_tiles,
                    columns,
                    staging: random.pick(staging(gpu)),
                    product: Epilogue::SwiGlu,
                };
                let grid = |params: &MatmulCoop| params.grid(rows, m_tiles, columns);
                check_gated(gpu, &shape, kernel, grid, &format!("{what}, {m_tiles:?}, {columns:?}"));
            }
        }
    });
}

#[test]
fn matmul_row() {
    on_random_shapes(|gpu, random, what| {
        let coop = gpu.tier() == Tier::Coop;
        for weights in WeightFormat::ALL {
            for input in [RowInput::RowsF32, RowInput::Normed, RowInput::NormedStaged, RowInput::TilesF16] {
                let shape = Shape::random(random, 1, 2048, true);
                let norm = rows_of(random, 1, shape.inputs);
                let mut row = shape.x.clone();
                if matches!(input, RowInput::Normed | RowInput::NormedStaged) {
                    let stride = padded(shape.inputs) as u32;
                    let params =
                        RmsNorm { width: shape.inputs as u32, stride, out_stride: stride, eps: 1e-6 };
                    twin::rms_norm(&pass(1), &params, Rows::All, &shape.x, &norm, &mut row);
                }
                let mut shape = shape;
                let params = Matmul {
                    outputs: shape.outputs as u32,
                    packs: packs(shape.inputs) as u32,
                    y_stride: shape.outputs as u32,
                    y_first: 0,
                };
                twin::matmul(
                    &pass(1),
                    &params,
                    Rows::All,
                    Epilogue::Store,
                    &shape.weights,
                    &row,
                    &mut shape.product,
                );
                let what = format!("{what}, {}, {input:?}", weights.name());
                check_row(gpu, random, &shape, weights, input, &norm, coop, &what);
            }
        }
    });
}

#[allow(clippy::too_many_arguments, reason = "what a product is made of")]
fn check_row(
    gpu: &Gpu,
    random: &mut Random,
    shape: &Shape,
    weights: WeightFormat,
    input: RowInput,
    norm: &[f32],
    coop: bool,
    what: &str,
) {
    let width = shape.outputs / 2;
    let params = MatmulRow {
        outputs: shape.outputs as u32,
        packs: packs(shape.inputs) as u32,
        inputs: shape.inputs as u32,
        out_stride: width as u32,
        out_first: 0,
        scale: 1.0,
        eps: 1e-6,
        pad: 0,
    };
    let run = |product, output, out: &[u8]| {
        let stored = stored(weights, &shape.weights, padded(shape.inputs));
        let mut operands = Operands::new(gpu).storage(&[pass(1)]).params(&params).storage(&stored);
        operands = match input {
            RowInput::TilesF16 => operands.storage(&in_tiles_of(&shape.x, padded(shape.inputs))),
            RowInput::RowsF32 | RowInput::Normed | RowInput::NormedStaged => operands.storage(&shape.x),
        };
        operands = operands.storage(out);
        if matches!(input, RowInput::Normed | RowInput::NormedStaged) {
            operands = operands.storage(norm);
        }
        operands.run(Kernel::MatmulRow { weights, input, product, output }, params.grid(product))
    };
    let values = |values: &[f32]| bytemuck::cast_slice(values).to_vec();
    let found = run(Epilogue::Store, ActivationLayout::RowsF32, &values(&poison(shape.outputs)))
        .read::<f32>(4, shape.outputs);
    assert_close(&found, &shape.product, 3e-5, what);

    let before = random.units(shape.outputs);
    let found =
        run(Epilogue::AddResidual, ActivationLayout::RowsF32, &values(&before)).read::<f32>(4, shape.outputs);
    let sum: Vec<f32> = before.iter().zip(&shape.product).map(|(a, b)| a + b).collect();
    assert_close(&found, &sum, 3e-5, what);

    let found =
        run(Epilogue::SwiGlu, ActivationLayout::RowsF32, &values(&poison(width))).read::<f32>(4, width);
    // A product of two sums, of which one may be large where the other is off: the more, the more inputs there are.
    let tolerance = 5e-5 * (shape.inputs as f32 / 900.0).max(1.0);
    assert_close(&found, &shape.gated(), tolerance, what);
    if coop {
        let out = vec![0u8; 2 * TILE * width];
        let tiles = run(Epilogue::SwiGlu, ActivationLayout::TilesF16, &out).read::<f16>(4, TILE * width);
        let found: Vec<f32> = from_tiles(&tiles, 1, width).iter().map(|v| v / GATED_SCALE).collect();
        assert_close(&found, &shape.gated(), 1e-3, what);
    }

    let groups = shape.outputs / TILE;
    let candidates = vec![Candidate { logit: 0.0, id: 77 }; groups];
    let found = run(Epilogue::PartialArgmax, ActivationLayout::RowsF32, bytemuck::cast_slice(&candidates))
        .read::<Candidate>(4, groups);
    assert_best_of_row(&found, &shape.best(TILE), what);
}

fn assert_best_of_row(found: &[Candidate], expected: &[Candidate], what: &str) {
    for (found, expected) in found.iter().zip(expected) {
        let off = (found.logit - expected.logit).abs();
        assert!(off <= 3e-5 * expected.logit.abs().max(1.0), "{what}: {found:?}, {expected:?}");
    }
}

#[test]
fn argmax_of_the_best() {
    on_random_shapes(|gpu, random, what| {
        let rows = random.between(1, 32);
        let groups = random.between(1, 400);
        let mut candidates: Vec<Candidate> = (0..rows * groups)
            .map(|i| Candidate { logit: (4.0 * random.unit()).round(), id: (i % groups * 16) as u32 })
            .collect();
        for candidate in &mut candidates {
            if random.between(0, 9) == 0 {
                *candidate = Candidate { logit: f32::NAN, id: NO_ID };
            }
        }
        let params = Argmax { candidates: groups as u32, draft: 0, pad: [0; 2] };
        let run = Operands::new(gpu)
            .storage(&[pass(rows)])
            .params(&params)
            .storage(&candidates)
            .storage(&vec![0u32; rows])
            .run(Kernel::Argmax(Candidates::Best), params.grid(rows));
        let best = |row: &[Candidate]| {
            let numbers = row.iter().filter(|candidate| candidate.id != NO_ID);
            numbers
                .fold(
                    (f32::NEG_INFINITY, NO_ID),
                    |best, c| if c.logit > best.0 { (c.logit, c.id) } else { best },
                )
                .1
        };
        let expected: Vec<u32> = candidates.chunks(groups).map(best).collect();
        assert_eq!(run.read::<u32>(3, rows), expected, "{what}");
    });
}

#[test]
fn rms_norm_in_tiles() {
    on_coop(|gpu, random, what| {
        let (rows, width) = (random.between(1, 40), random.between(1, 5000));
        let stride = padded(width);
        let params =
            RmsNorm { width: width as u32, stride: stride as u32, out_stride: stride as u32, eps: 1e-6 };
        let (x, weight) = (rows_of(random, rows, width), rows_of(random, 1, width));
        let out = vec![f16::ZERO; rows.next_multiple_of(TILE) * stride];
        let run = Operands::new(gpu)
            .storage(&[pass(rows)])
            .params(&params)
            .storage(&x)
            .storage(&weight)
            .storage(&out)
            .run(Kernel::RmsNorm { rows: Rows::All, output: ActivationLayout::TilesF16 }, params.grid(rows));
        let mut expected = vec![0.0; rows * stride];
        twin::rms_norm(&pass(rows), &params, Rows::All, &x, &weight, &mut expected);
        assert_close(&from_tiles(&run.read(4, out.len()), rows, stride), &expected, 1e-3, what);
    });
}

#[test]
fn qk_norm_rope_in_tiles() {
    on_coop(|gpu, random, what| {
        let shape = Heads::random(random);
        let (width, head_dim) = (shape.width(), shape.head_dim);
        let qkv_width = (shape.heads + 2 * shape.kv_heads) * head_dim;
        let params = shape.norm_rope();
        let mut qkv = random.units(shape.rows * qkv_width);
        // A value that is no number, and one beyond f16: the cache keeps them finite.
        qkv[qkv_width - 1] = f32::NAN;
        if head_dim > 1 {
            qkv[qkv_width - 2] = -1e6;
        }
        let norms = random.units(2 * head_dim);
        let rope: Vec<[f32; 2]> =
            (0..shape.context * head_dim / 2).map(|_| [random.unit(), random.unit()]).collect();
        let slots = shape.context * shape.kv_heads * width;
        let run = Operands::new(gpu)
            .storage(&[shape.state()])
            .params(&params)
            .storage(&qkv)
            .storage(&norms)
            .storage(&rope)
            .storage(&vec![f16::ZERO; shape.kv_heads * shape.queries() * width])
            .storage(&vec![f16::ZERO; slots])
            .storage(&vec![f16::ZERO; slots])
            .run(Kernel::QkNormRope(KvFormat::TilesF16), params.grid(shape.rows));
        let (mut q, mut keys) = (vec![0.0; shape.rows * shape.heads * width], vec![0.0; slots]);
        let mut values = keys.clone();
        twin::qk_norm_rope(&shape.state(), &params, &qkv, &norms, &rope, &mut q, &mut keys, &mut values);
        let found_q: Vec<f16> = run.read(5, shape.kv_heads * shape.queries() * width);
        let expected_q = shape.queries_in_tiles(&q);
        let floats = |halves: &[f16]| halves.iter().map(|half| half.to_f32()).collect::<Vec<_>>();
        assert_close(&floats(&found_q), &floats(&expected_q), 2e-3, &format!("{what}, q"));
        let (found_keys, found_values): (Vec<f16>, Vec<f16>) = (run.read(6, slots), run.read(7, slots));
        for kv_head in 0..shape.kv_heads {
            for position in shape.start..shape.start + shape.rows {
                for i in 0..head_dim {
                    let (key, value) = shape.places(kv_head, position, i);
                    let line = kv_head * width / 4 + i / 4;
                    let expected = keys[(line * shape.context + position) * 4 + i % 4];
                    assert_close(&[found_keys[key].to_f32()], &[expected], 2e-3, &format!("{what}, key"));
                    let expected = values[(position * shape.kv_heads + kv_head) * width + i];
                    let finite = if expected.is_nan() { 0.0 } else { expected.clamp(-65504.0, 65504.0) };
                    assert_close(&[found_values[value].to_f32()], &[finite], 1e-3, &format!("{what}, value"));
                }
            }
        }
    });
}

#[test]
fn attention_coop() {
    on_coop(|gpu, random, what| {
        for visible in [Mask::Causal, Mask::Block] {
            let shape = Heads::random(random);
            let width = shape.width();
            let slots = shape.context * shape.kv_heads * width;
            // Scores so far apart that some outgrow their reference, in every other case.
            let apart = random.pick(&[1.0, 64.0]);
            let q = halves(random, shape.rows * shape.heads * width).into_iter().map(|value| value * apart);
            let q: Vec<f32> = q.collect();
            let cache = [halves(random, slots), halves(random, slots)];
            let whole = Heads { chunk_rows: shape.rows.next_multiple_of(32), ..shape };
            let keys = shape.positions_innermost(&cache[0]);
            let expected = merged_by_twins(&shape, visible, &q, &keys, &cache[1]);
            let mut same: Option<Vec<f32>> = None;
            let few_columns = (Kernel::AttentionCoop, 1);
            let kernels = shape.kernels(gpu).into_iter().map(|kernel| (kernel, 99)).chain([few_columns]);
            for (kernel, columns) in kernels {
                for shape in [&shape, &whole] {
                    let found = attend(gpu, shape, visible, kernel, columns, &q, &cache).merged;
                    // Weights and results are f16.
                    assert_close(&found, &expected, 2e-3, &format!("{what}, {visible:?}, {kernel:?}"));
                    let first = same.get_or_insert_with(|| found.clone());
                    let pieces = format!("{} rows in pieces of {}", shape.rows, shape.chunk_rows);
                    assert_same_bits(&found, first, &format!("{what}, {kernel:?}, {pieces}"));
                }
            }
        }
    });
}

/// One row's two kernels in one: what they compute one after the other, and the key and value in the cache.
#[test]
fn attention_row() {
    on_coop(|gpu, random, what| {
        let heads_per_kv = random.between(1, ROW_HEADS);
        let any = Heads::random(random);
        // So many positions too that each split has tiles several times.
        let more = random.pick(&[0, 0, 0, 3 * ROUND_ROBIN_SPLITS * ROUND_ROBIN_TILES * TILE]);
        let shape = Heads {
            rows: 1,
            start: any.start + more,
            context: any.context + more,
            heads: any.kv_heads * heads_per_kv,
            head_dim: STAGED_HEAD,
            chunk_rows: Heads::least_rows(heads_per_kv),
            ..any
        };
        let (width, slots) = (shape.width(), shape.context * shape.kv_heads * shape.width());
        let mut qkv = random.units((shape.heads + 2 * shape.kv_heads) * width);
        // A value that is no number: the cache keeps it finite.
        *qkv.last_mut().unwrap() = f32::NAN;
        let norms = random.units(2 * width);
        let rope: Vec<[f32; 2]> =
            (0..shape.context * width / 2).map(|_| [random.unit(), random.unit()]).collect();
        let mut cache = [halves(random, slots), halves(random, slots)];
        // Scores so far apart that the highest keeps rising, in every other case.
        let apart = random.pick(&[1.0, 64.0]);
        cache[0].iter_mut().for_each(|key| *key *= apart);
        let (stored_keys, stored_values) = shape.cache_in_tiles(&cache);

        let mut q = vec![0.0; shape.heads * width];
        let (mut keys, mut values) = (shape.positions_innermost(&cache[0]), cache[1].clone());
        let norm_rope = shape.norm_rope();
        twin::qk_norm_rope(&shape.state(), &norm_rope, &qkv, &norms, &rope, &mut q, &mut keys, &mut values);
        let own = shape.start * shape.kv_heads * width..(shape.start + 1) * shape.kv_heads * width;
        for value in values[own].iter_mut().filter(|value| value.is_nan()) {
            *value = 0.0;
        }
        let expected = merged_by_twins(&shape, Mask::Causal, &q, &keys, &values);

        let params = shape.attention(KvSplits::RoundRobin, Mask::Causal, 0);
        let partials = (params.kv_heads * params.splits * params.chunk_queries) as usize;
        let merge = shape.merge(KvSplits::RoundRobin, Mask::Causal, 0);
        for (&lanes, queries) in tile_lanes(gpu).iter().flat_map(|lanes| RowQueries::ALL.map(|q| (lanes, q)))
        {
            let what = format!("{what}, {heads_per_kv} heads a kv head, {lanes:?}, {queries:?}");
            let run = Operands::new(gpu)
                .storage(&[shape.state()])
                .params(&params)
                .storage(&qkv)
                .storage(&norms)
                .storage(&rope)
                .storage(&stored_keys)
                .storage(&stored_values)
                .storage(&poison(partials * width))
                .storage(&poison(partials * 2))
                .run(Kernel::AttentionRow { queries, lanes }, params.row_grid(shape.context, queries));
            let merged = Operands::new(gpu)
                .storage(&[shape.state()])
                .params(&merge)
                .storage(&run.read::<f32>(7, partials * width))
                .storage(&run.read::<f32>(8, partials * 2))
                .storage(&vec![f16::ZERO; TILE * merge.out_stride as usize])
                .run(Kernel::AttentionMerge(KvSplits::RoundRobin), merge.grid(1));
            let tiles: Vec<f16> = merged.read(4, TILE * merge.out_stride as usize);
            let found = from_tiles(&tiles, 1, merge.out_stride as usize);
            assert_close(&found, &expected, 2e-3, &what);

            let (found_keys, found_values): (Vec<f16>, Vec<f16>) = (run.read(5, slots), run.read(6, slots));
            let mut kept_keys = stored_keys.clone();
            let mut kept_values = stored_values.clone();
            for (kv_head, i) in (0..shape.kv_heads).flat_map(|kv_head| (0..width).map(move |i| (kv_head, i)))
            {
                let (key, value) = shape.places(kv_head, shape.start, i);
                let line = (kv_head * width / 4 + i / 4) * shape.context + shape.start;
                let expected = keys[line * 4 + i % 4];
                assert_close(&[found_keys[key].to_f32()], &[expected], 2e-3, &format!("{what}, key"));
                let expected = values[(shape.start * shape.kv_heads + kv_head) * width + i];
                assert_close(&[found_values[value].to_f32()], &[expected], 1e-3, &format!("{what}, value"));
                (kept_keys[key], kept_values[value]) = (found_keys[key], found_values[value]);
            }
            assert!(found_keys == kept_keys && found_values == kept_values, "{what}: another position's");
        }
    });
}

/// The twins have other splits, and `keys` with positions innermost.
fn merged_by_twins(shape: &Heads, visible: Mask, q: &[f32], keys: &[f32], values: &[f32]) -> Vec<f32> {
    let whole = Heads { chunk_rows: shape.rows.next_multiple_of(32), ..*shape };
    let params = whole.attention(KvSplits::Fixed, visible, 0);
    let partials = (params.kv_heads * params.splits * params.chunk_queries) as usize;
    let (mut sums, mut stats) = (vec![0.0; partials * shape.width()], vec![[0.0; 2]; partials]);
    twin::attention(&shape.state(), &params, q, keys, values, &mut sums, &mut stats);
    let merge = whole.merge(KvSplits::Fixed, visible, 0);
    let mut merged = vec![0.0; shape.rows * merge.out_stride as usize];
    twin::attention_merge(&shape.state(), &merge, &sums, &stats, &mut merged);
    merged
}
