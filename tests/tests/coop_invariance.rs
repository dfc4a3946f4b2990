//! Row-invariance of tier `coop`: as in `invariance.rs`, for the kernels that only this tier has, on random shapes and
//! on those of the 1.7B.

use half::f16;
use orthrus::shaders::params::{Grid, MatmulCoop, padded};
use orthrus::shaders::{
    CoopTiling, Epilogue, Kernel, MTiles, Mask, PREFILL_TILE, Rows, TILE, WeightFormat, WeightStaging,
};
use orthrus::{GenerateOptions, Model, Session, Synthetic, no_progress};
use orthrus_tests::coop::{Heads, attend, coop_gpu, halves, on_coop, pass, rows_of, staging};
use orthrus_tests::kernel::{Operands, assert_same_bits, from_tiles, in_tiles_of, poison, stored};
use orthrus_tests::random::Random;

/// The kernel by tiles of rows, or the one for prompts, and its grid.
fn product_of(
    params: &MatmulCoop,
    rows: usize,
    m_tiles: Option<MTiles>,
    columns: CoopTiling,
    staging: WeightStaging,
    product: Epilogue,
) -> (Kernel, Grid) {
    match m_tiles {
        Some(m_tiles) => (
            Kernel::MatmulCoop { rows: Rows::All, m_tiles, columns, staging, product },
            params.grid(rows, m_tiles, columns),
        ),
        None => (Kernel::MatmulPrefill { slices: columns.slices(), product }, params.prefill_grid(rows)),
    }
}

/// A row has the same bits alone and anywhere in a block or a prompt, whatever the other rows hold.
#[test]
fn matmul_coop_is_row_invariant() {
    on_coop(|gpu, random, what| {
        for columns in CoopTiling::ALL {
            let (inputs, outputs) = (random.between(1, 1500), random.between(1, 300));
            let stride = padded(inputs);
            let weights = stored(WeightFormat::F16, &rows_of(random, outputs, inputs), stride);
            let row = rows_of(random, 1, inputs);
            let mut alone: Option<Vec<f32>> = None;
            for (place, rows, m_tiles) in [
                (0usize, 1usize, Some(MTiles::One)),
                (0, 32, Some(MTiles::Two)),
                (31, 32, Some(MTiles::Two)),
                (13, 32, Some(MTiles::Two)),
                (15, 16, Some(MTiles::One)),
                (6, 7, Some(MTiles::One)),
                (40, 64, Some(MTiles::Two)),
                (77, 128, None),
                (131, 140, None),
            ] {
                let mut x = Vec::new();
                for other in 0..rows {
                    let filling = random.pick(&[None, Some(0.0), Some(f32::INFINITY), Some(f32::NAN)]);
                    if other == place {
                        x.extend_from_slice(&row);
                    } else {
                        x.extend((0..stride).map(|_| filling.unwrap_or(100.0 * random.unit())));
                    }
                }
                let n = outputs as u32;
                let params = MatmulCoop {
                    outputs: n,
                    k_tiles: (stride / TILE) as u32,
                    out_stride: n,
                    out_first: 0,
                    scale: 1.0,
                    pad: [0; 3],
                };
                let mut tiles = in_tiles_of(&x, stride);
                tiles.resize(rows.next_multiple_of(PREFILL_TILE) * stride, f16::NAN);
                let staging = random.pick(staging(gpu));
                let (kernel, grid) = product_of(&params, rows, m_tiles, columns, staging, Epilogue::Store);
                let run = Operands::new(gpu)
                    .storage(&[pass(rows)])
                    .params(&params)
                    .storage(&weights)
                    .storage(&tiles)
                    .storage(&poison(rows * outputs))
                    .totals(kernel, rows, outputs)
                    .run(kernel, grid);
                let found = run.read::<f32>(4, rows * outputs)[place * outputs..][..outputs].to_vec();
                let alone = alone.get_or_insert_with(|| found.clone());
                assert_same_bits(&found, alone, &format!("{what}, {columns:?}, {place} of {rows}"));
            }
        }
    });
}

/// What lies in the cache beyond a row's position differs from place to place, and so does the row's piece of the pass;
/// only values are kept finite.
#[test]
fn attention_coop_is_row_invariant() {
    on_coop(|gpu, random, what| {
        let shape = Heads { rows: 1, ..Heads::random(random) };
        let (width, position) = (shape.width(), 40 + shape.start);
        let slots = shape.context * shape.kv_heads * width;
        let apart = random.pick(&[1.0, 64.0]);
        let row: Vec<f32> =
            halves(random, shape.heads * width).into_iter().map(|value| value * apart).collect();
        let cache = [halves(random, slots), halves(random, slots)];
        let mut alone: Option<Vec<f32>> = None;
        for (place, rows) in [(0, 1), (0, 32), (31, 32), (13, 32), (6, 7), (2, 5), (40, 45), (34, 70)] {
            let mut cache = cache.clone();
            for later in position + 1..shape.context {
                let slot = shape.kv_heads * width;
                cache[0][later * slot..][..slot].fill(random.pick(&[0.0, 7.0, f32::INFINITY, f32::NAN]));
                cache[1][later * slot..][..slot].fill(random.pick(&[0.0, 7.0, 65504.0]));
            }
            let mut q = Vec::new();
            for other in 0..rows {
                let filling = random.pick(&[0.0, 3.0, f32::INFINITY, f32::NAN]);
                if other == place {
                    q.extend_from_slice(&row);
                } else {
                    q.extend(std::iter::repeat_n(filling, row.len()));
                }
            }
            let chunk_rows = random.between(1, 3) * Heads::least_rows(shape.heads / shape.kv_heads);
            let shape = Heads { rows, start: position - place, chunk_rows, ..shape };
            for kernel in shape.kernels(gpu) {
                let found = attend(gpu, &shape, Mask::Causal, kernel, 99, &q, &cache).of_row(&shape, place);
                assert!(found.iter().all(|value| value.is_finite()), "{what}, {kernel:?}, {place} of {rows}");
                let alone = alone.get_or_insert_with(|| found.clone());
                assert_same_bits(&found, alone, &format!("{what}, {kernel:?}, {place} of {rows}"));
            }
        }
    });
}

/// Of the 1.7B: inputs, outputs and what becomes of them. The head is cut short. And a gated product of as many outputs
/// as take fewer slices.
const PRODUCTS: [(usize, usize, Epilogue); 6] = [
    (2048, 4096, Epilogue::Store),
    (2048, 2048, Epilogue::AddResidual),
    (2048, 12288, Epilogue::SwiGlu),
    (6144, 2048, Epilogue::AddResidual),
    (2048, 8192, Epilogue::Store),
    (1024, 16384, Epilogue::SwiGlu),
];

/// 32 rows together, the same sixteen by sixteen, and one by one; and all rows of a prompt.
#[test]
fn products_of_the_1_7b() {
    let Some(gpu) = coop_gpu() else { return };
    let mut random = Random::new(17);
    let mut wrong = Vec::new();
    for (inputs, outputs, product) in PRODUCTS {
        let scale = (3.0 / inputs as f32).sqrt();
        let weights: Vec<f32> = (0..inputs * outputs).map(|_| scale * random.unit()).collect();
        let weights = stored(WeightFormat::F16, &weights, inputs);
        let columns = CoopTiling::of(outputs, product);
        let width = if product == Epilogue::SwiGlu { outputs / 2 } else { outputs };
        let residual = random.units(PREFILL_TILE * outputs);
        let x: Vec<f32> = (0..PREFILL_TILE * inputs).map(|_| random.normal()).collect();
        let run = |first: usize, rows: usize| -> Vec<u32> {
            let m_tiles = match rows {
                0..=16 => Some(MTiles::One),
                17..=32 => Some(MTiles::Two),
                _ => None,
            };
            let mut tiles = in_tiles_of(&x[first * inputs..][..rows * inputs], inputs);
            tiles.resize(rows.next_multiple_of(PREFILL_TILE) * inputs, f16::NAN);
            let params = MatmulCoop {
                outputs: outputs as u32,
                k_tiles: (inputs / TILE) as u32,
                out_stride: width as u32,
                out_first: 0,
                scale: 1.0,
                pad: [0; 3],
            };
            let operands =
                Operands::new(&gpu).storage(&[pass(rows)]).params(&params).storage(&weights).storage(&tiles);
            let operands = match product {
                Epilogue::SwiGlu => operands.storage(&vec![f16::NAN; rows.next_multiple_of(TILE) * width]),
                _ => operands.storage(&residual[first * width..][..rows * width]),
            };
            let staging = *staging(&gpu).last().unwrap();
            let (kernel, grid) = product_of(&params, rows, m_tiles, columns, staging, product);
            let run = operands.totals(kernel, rows, outputs).run(kernel, grid);
            if product == Epilogue::SwiGlu {
                let tiles = run.read::<f16>(4, rows.next_multiple_of(TILE) * width);
                from_tiles(&tiles, rows, width).iter().map(|value| value.to_bits()).collect()
            } else {
                run.read::<f32>(4, rows * width).iter().map(|value| value.to_bits()).collect()
            }
        };
        let together: Vec<u32> = (0..PREFILL_TILE / 32).flat_map(|block| run(32 * block, 32)).collect();
        let mut differ = |first: usize, rows: usize| {
            let found = run(first, rows);
            let differing =
                found.iter().zip(&together[first * width..]).filter(|(found, other)| found != other).count();
            if differing > 0 {
                wrong.push(format!(
                    "{product:?} {inputs} to {outputs}, {rows} rows from {first}: {differing} of {}",
                    found.len()
                ));
            }
        };
        differ(0, 16);
        differ(16, 16);
        for row in 0..32 {
            differ(row, 1);
        }
        differ(0, PREFILL_TILE);
    }
    assert!(wrong.is_empty(), "{} parts differ: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}

/// A block of 32 rows, and each row alone with other values after it, at every place of a split.
#[test]
fn attention_of_the_1_7b() {
    let Some(gpu) = coop_gpu() else { return };
    let mut wrong = Vec::new();
    let mut compared = 0;
    for seed in 0..6u64 {
        let mut random = Random::new(seed);
        let start = random.between(1, 230);
        let shape =
            Heads { rows: 32, start, kv_heads: 8, heads: 16, head_dim: 128, context: 288, chunk_rows: 32 };
        let slot = shape.kv_heads * shape.width();
        let q: Vec<f32> = (0..32 * 16 * 128).map(|_| random.normal()).collect();
        let cache = [0, 1].map(|_| (0..shape.context * slot).map(|_| random.normal()).collect::<Vec<f32>>());
        let kernel = *shape.kernels(&gpu).last().unwrap();
        let block = attend(&gpu, &shape, Mask::Causal, kernel, 99, &q, &cache);
        for row in 0..32 {
            let alone = Heads { rows: 1, start: start + row, ..shape };
            let mut cache = cache.clone();
            for part in &mut cache {
                part[(alone.start + 1) * slot..].fill(random.pick(&[0.0, 3.0]));
            }
            let one = &q[row * 16 * 128..][..16 * 128];
            let found =
                attend(&gpu, &alone, Mask::Causal, Kernel::AttentionCoop, 99, one, &cache).of_row(&alone, 0);
            let expected = block.of_row(&shape, row);
            compared += found.len();
            let differing = found.iter().zip(&expected).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
            if differing > 0 {
                let at = found.iter().zip(&expected).position(|(a, b)| a.to_bits() != b.to_bits()).unwrap();
                wrong.push(format!(
                    "start {start}, row {row}: {differing}, first {at}: {:e} {:e}",
                    found[at], expected[at]
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} rows differ, {compared}: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(20)]
    );
}

/// Logits and cache of a text of random ids, in pieces and one by one. And the cache of a prompt, so long that all its
/// products are `matmul_prefill`'s: of one that is in the cache already, the last token alone goes through again.
#[test]
fn passes_of_the_1_7b() {
    let Some(gpu) = coop_gpu() else { return };
    let shape = Synthetic::named("1.7b").unwrap();
    let model = Model::synthetic(&gpu, &shape, 1, WeightFormat::F16).unwrap();
    let mut random = Random::new(3);
    let ids: Vec<u32> = (0..820).map(|_| random.between(0, shape.vocab_size - 1) as u32).collect();
    let mut session = model.session(ids.len() + 1).unwrap();
    let layer = shape.num_hidden_layers - 1;
    let by = |session: &mut Session, ids: &[u32], size: usize| {
        session.clear();
        let logits: Vec<f32> = ids.chunks(size).flat_map(|piece| session.append(piece).unwrap()).collect();
        (logits, session.cache(layer).unwrap())
    };
    let assert_same_cache = |cache: &(Vec<f32>, Vec<f32>), expected: &(Vec<f32>, Vec<f32>), what: &str| {
        assert_same_bits(&cache.0, &expected.0, what);
        assert_same_bits(&cache.1, &expected.1, what);
    };
    let (alone, alone_cache) = by(&mut session, &ids[..260], 1);
    for size in [7, 16, 32] {
        let (logits, cache) = by(&mut session, &ids[..260], size);
        assert_same_cache(&cache, &alone_cache, &format!("{size} at a time"));
        assert_same_bits(&logits, &alone, &format!("{size} at a time"));
    }
    let (_, in_blocks) = by(&mut session, &ids, 32);
    session.clear();
    let one = GenerateOptions { max_new_tokens: 1, ..GenerateOptions::default() };
    session.generate(&ids, &one, &mut no_progress).unwrap().for_each(|run| _ = run.unwrap());
    assert_same_cache(&session.cache(layer).unwrap(), &in_blocks, "as a prompt");
}
