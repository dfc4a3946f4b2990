//! Row-invariance on tier `coop` at the shapes of the 1.7B.

use half::f16;
use orthrus::shaders::{CoopTiling, Epilogue, Kernel, Mask, PREFILL_TILE, WeightFormat, WeightStaging};
use orthrus::{GenerateOptions, Gpu, Model, Session, Synthetic, no_progress};
use orthrus_tests::cases::attention_coop::{self, attend, attended_row, kernels_of};
use orthrus_tests::cases::heads::Heads;
use orthrus_tests::cases::matmul_coop::{Product, kernel_for};
use orthrus_tests::cases::operands::{from_tiles, stored};
use orthrus_tests::cases::{Case, Instance, Loaded};
use orthrus_tests::compare::assert_same_bits;
use orthrus_tests::gpu::coop_gpu;
use orthrus_tests::random::Random;

/// Inputs, outputs, what becomes of the products, and the tiling that the engine takes. The head is cut short. The last has
/// so many outputs that it has fewer slices.
const PRODUCTS: [(usize, usize, Epilogue, CoopTiling); 6] = [
    (2048, 4096, Epilogue::Store, CoopTiling::N16K8),
    (2048, 2048, Epilogue::AddResidual, CoopTiling::N16K16),
    (2048, 12288, Epilogue::SwiGlu, CoopTiling::N32K8),
    (6144, 2048, Epilogue::AddResidual, CoopTiling::N16K16),
    (2048, 8192, Epilogue::Store, CoopTiling::N32K8),
    (1024, 16384, Epilogue::SwiGlu, CoopTiling::N32K4),
];

fn ran<'a>(instance: &Instance, gpu: &'a Gpu) -> Loaded<'a> {
    let loaded = instance.load(gpu).unwrap();
    loaded.run(1).unwrap();
    loaded
}

/// 32 rows together, the same sixteen by sixteen, and one by one; and all rows of a prefill pass.
#[test]
fn products_of_the_1_7b() {
    let Some(gpu) = coop_gpu("products_of_the_1_7b") else { return };
    // The engine stages weights where subgroups have 32 lanes.
    let has_subgroups_of_32 = gpu.adapter().subgroup_sizes == Some((32, 32));
    let staging = if has_subgroups_of_32 { WeightStaging::Staged } else { WeightStaging::Direct };
    let mut random = Random::new(17);
    let mut wrong = Vec::new();
    for (inputs, outputs, epilogue, tiling) in PRODUCTS {
        let scale = (3.0 / inputs as f32).sqrt();
        let weights: Vec<f32> = (0..inputs * outputs).map(|_| scale * random.unit()).collect();
        let weights = stored(WeightFormat::F16, &weights, inputs);
        let width = if epilogue == Epilogue::SwiGlu { outputs / 2 } else { outputs };
        let residual = random.units(PREFILL_TILE * outputs);
        let x: Vec<f32> = (0..PREFILL_TILE * inputs).map(|_| random.normal()).collect();
        let run = |first: usize, rows: usize| -> Vec<f32> {
            let residual = match epilogue {
                Epilogue::AddResidual => residual[first * width..][..rows * width].to_vec(),
                _ => Vec::new(),
            };
            let x = x[first * inputs..][..rows * inputs].to_vec();
            let product = Product { rows, inputs, outputs, out_stride: width, scale: 1.0, residual, x };
            let kernel = kernel_for(rows, tiling, staging, epilogue);
            let loaded = ran(&product.run(kernel, 256, &weights, Vec::new), &gpu);
            match epilogue {
                Epilogue::SwiGlu => from_tiles(&loaded.read::<f16>("out"), rows, width),
                _ => loaded.read("out"),
            }
        };
        let together: Vec<f32> = (0..PREFILL_TILE / 32).flat_map(|block| run(32 * block, 32)).collect();
        let mut differ = |first: usize, rows: usize| {
            let found = run(first, rows);
            let differing = differing(&found, &together[first * width..]);
            if differing > 0 {
                let of = found.len();
                let what = format!("{epilogue:?} {inputs} to {outputs}, {rows} rows from {first}");
                wrong.push(format!("{what}: {differing} of {of}"));
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

/// Values that have other bits.
fn differing(found: &[f32], expected: &[f32]) -> usize {
    found.iter().zip(expected).filter(|(found, expected)| found.to_bits() != expected.to_bits()).count()
}

/// A block of 32 rows, and each row alone with other values after it, at every place of a split.
#[test]
fn attention_of_the_1_7b() {
    let Some(gpu) = coop_gpu("attention_of_the_1_7b") else { return };
    let runs_here = |kernel: &Kernel| {
        let is = |case: &Case| case.kernel == *kernel && case.missing(&gpu).is_none();
        attention_coop::cases().iter().any(is)
    };
    let mut wrong = Vec::new();
    let mut compared = 0;
    for seed in 0..6u64 {
        let mut random = Random::new(seed);
        let start = random.between(1, 230);
        let shape = Heads { context: 288, ..Heads::of_the_1_7b(start) };
        let slot = shape.slot();
        let q: Vec<f32> = (0..32 * 16 * 128).map(|_| random.normal()).collect();
        let cache = [0, 1].map(|_| (0..shape.context * slot).map(|_| random.normal()).collect::<Vec<f32>>());
        let kernel = kernels_of(&shape).into_iter().rfind(runs_here).unwrap();
        let block = ran(&attend(kernel, shape, Mask::Causal, 99, &q, &cache, Vec::new), &gpu);
        for row in 0..32 {
            let alone = Heads { rows: 1, start: start + row, ..shape };
            let mut cache = cache.clone();
            for part in &mut cache {
                part[(alone.start + 1) * slot..].fill(random.pick(&[0.0, 3.0]));
            }
            let one = &q[row * 16 * 128..][..16 * 128];
            let run = attend(Kernel::AttentionCoop, alone, Mask::Causal, 99, one, &cache, Vec::new);
            let found = attended_row(&ran(&run, &gpu), &alone, 0);
            let expected = attended_row(&block, &shape, row);
            compared += found.len();
            let differing = differing(&found, &expected);
            if differing > 0 {
                wrong.push(format!("start {start}, row {row}: {differing}"));
            }
        }
    }
    let some = &wrong[..wrong.len().min(20)];
    assert!(wrong.is_empty(), "{} rows differ, {compared} values compared: {some:#?}", wrong.len());
}

/// Logits and cache of a text of random ids, in pieces and one by one. And the cache of a prompt, so long that all its
/// products are `matmul_prefill`'s: of one that is in the cache already, the last token alone goes through again.
#[test]
fn passes_of_the_1_7b() {
    let Some(gpu) = coop_gpu("passes_of_the_1_7b") else { return };
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
