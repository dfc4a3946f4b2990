//! Synthetic models and replayed acceptance: what benchmarks without a checkpoint stand on.

use bytemuck::Zeroable;
use orthrus::lab::{Copying, MeasuredPass};
use orthrus::shaders::params::FillRandom;
use orthrus::shaders::{Kernel, State, WeightFormat, twin};
use orthrus::{
    AcceptRule, ArKernel, Decoding, Error, GenerateOptions, Model, Replay, Sampling, Session, Synthetic,
    Tier, no_progress,
};
use orthrus_tests::cases::operands::stored;
use orthrus_tests::cases::{Expected, Instance};
use orthrus_tests::compare::{ROUNDED, assert_rows_within};
use orthrus_tests::gpu::{gpu, tiers};
use orthrus_tests::random::Random;

/// A grid of two dimensions covers everything, and rows are numbered from the matrix's first, not the piece's.
#[test]
fn fill_random_fills_pieces_of_any_size() {
    let gpu = gpu(Tier::Baseline);
    let params = FillRandom {
        matrix: 1,
        first_row: 0,
        outputs: 64,
        inputs: 300_000,
        packs: 37_500,
        stored: 64 * 37_500,
        unit: 2f32.powi(-20),
        twins: 0,
    };
    let grid = params.grid();
    let huge = FillRandom { stored: u32::MAX, ..params }.grid();
    assert!(huge.iter().all(|&groups| groups <= 65_535), "{huge:?}");
    assert!(u64::from(huge[0]) * u64::from(huge[1]) * 256 >= u64::from(u32::MAX));
    let state = State { seed: [3, 4], ..State::zeroed() };
    let expected = stored(WeightFormat::F16, &twin::fill_random(&state, &params), 300_000);
    // The same, its grid folded into lines of 77 workgroups.
    let folded = [77, grid[0].div_ceil(77), 1];
    let run = Instance::new(Kernel::FillRandom(WeightFormat::F16), folded, "lines of 77 workgroups")
        .with("state", &[state])
        .with("params", &[params])
        .with("weights", &vec![0u8; expected.len()])
        .expect(|| vec![("weights", Expected::Bytes(expected))]);
    run.check(&gpu).unwrap();

    let rows = |first_row, outputs| twin::fill_random(&state, &FillRandom { first_row, outputs, ..params });
    assert_eq!(rows(0, 6)[4 * 300_000..], rows(4, 2));
}

/// Uniform, as far from the mean as they should be, and different from matrix to matrix.
#[test]
fn random_weights_are_random() {
    let params = FillRandom {
        matrix: 0,
        first_row: 0,
        outputs: 300,
        inputs: 512,
        packs: 64,
        stored: 0,
        unit: 1.0 / 2048.0,
        twins: 0,
    };
    let state = State { seed: [1, 2], ..State::zeroed() };
    let values = twin::fill_random(&state, &params);
    let mean =
        |f: &dyn Fn(f64) -> f64| values.iter().map(|&v| f(f64::from(v))).sum::<f64>() / values.len() as f64;
    // 153,600 values: standard errors are 0.0015 and 0.0008.
    assert!(mean(&|v| v).abs() < 0.006, "{}", mean(&|v| v));
    assert!((mean(&|v| v * v) - 1.0 / 3.0).abs() < 0.004, "{}", mean(&|v| v * v));
    let neighbours: f64 =
        values.windows(2).map(|pair| f64::from(pair[0] * pair[1])).sum::<f64>() / values.len() as f64;
    assert!(neighbours.abs() < 0.004, "{neighbours}");
    assert_ne!(values, twin::fill_random(&state, &FillRandom { matrix: 1, ..params }));
    assert_ne!(values, twin::fill_random(&State { seed: [1, 3], ..state }, &params));
    assert_ne!(values, twin::fill_random(&State { seed: [2, 2], ..state }, &params));
    assert!(values.iter().all(|&value| half::f16::from_f32(value).to_f32() == value));
}

fn model(tier: Tier, format: WeightFormat) -> Model {
    let shape = Synthetic::named("test").unwrap();
    Model::synthetic(&gpu(tier), &shape, 5, format).unwrap()
}

fn prompt(random: &mut Random, length: usize) -> Vec<u32> {
    (0..length).map(|_| random.between(0, 2040) as u32).collect()
}

fn generate(session: &mut Session, prompt: &[u32], options: &GenerateOptions) -> (Vec<u32>, Vec<usize>) {
    let mut generation = session.generate(prompt, options, &mut no_progress).unwrap();
    let ids = generation.by_ref().flat_map(|run| run.unwrap().ids).collect();
    (ids, generation.stats().acceptance_lengths.clone())
}

fn ar(budget: usize) -> GenerateOptions {
    GenerateOptions { max_new_tokens: budget, decoding: Decoding::Ar, ..Default::default() }
}

/// The same model in each format and tier: weights are the same numbers, so logits differ by rounding alone.
#[test]
fn a_synthetic_model_is_the_same_everywhere() {
    let text = prompt(&mut Random::new(1), 20);
    let mut all = Vec::new();
    for tier in tiers() {
        for format in WeightFormat::ALL {
            let logits = model(tier, format).session(64).unwrap().append(&text).unwrap();
            all.push((tier, format, logits));
        }
    }
    for (tier, format, logits) in &all[1..] {
        let what = format!("tier {}, {}", tier.name(), format.name());
        // Cooperative matrices multiply activations in f16, which are 2^-11 off in each of two layers.
        let off = if tier == &Tier::Coop && format == &WeightFormat::F16 { 4e-3 } else { ROUNDED };
        assert_rows_within(off, logits, &all[0].2, 2048, &what);
    }
    let shape = Synthetic::named("test").unwrap();
    let other = Model::synthetic(&gpu(Tier::Subgroup), &shape, 6, WeightFormat::F16).unwrap();
    assert_ne!(other.session(64).unwrap().append(&text).unwrap(), all[0].2);
}

/// Near-ties are what makes a check of exactness on random weights worth something.
#[test]
fn largest_logits_are_near_ties() {
    let mut session = model(Tier::Subgroup, WeightFormat::F16).session(256).unwrap();
    let text = prompt(&mut Random::new(2), 200);
    let logits = session.append(&text).unwrap();
    let mut near = 0;
    let mut argmax = std::collections::HashSet::new();
    for row in logits.chunks(2048) {
        let mut order: Vec<usize> = (0..row.len()).collect();
        order.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
        argmax.insert(order[0]);
        assert_eq!(order[0] ^ 1, order[1], "a pair leads");
        near += usize::from(row[order[0]] - row[order[1]] < 4e-6);
    }
    assert!(near > 190, "{near} of 200");
    assert!(argmax.len() > 50, "{} different ids in 200 rows", argmax.len());
}

/// Acceptance comes out as recorded, the text is the AR view's, whatever the block, and sampled texts too.
#[test]
fn a_replay_accepts_what_was_recorded() {
    let mut random = Random::new(3);
    for tier in tiers() {
        for format in WeightFormat::ALL {
            let model = model(tier, format);
            for (block, temperature) in [(32, 0.0), (8, 0.0), (1, 0.0), (32, 0.8)] {
                let budget = 90;
                let text = prompt(&mut random, 12);
                let sampling = Sampling { temperature, seed: 9, ..Sampling::default() };
                let (ids, _) = generate(
                    &mut model.session(128).unwrap(),
                    &text,
                    &GenerateOptions { sampling, ..ar(budget) },
                );
                let lengths: Vec<u32> = (0..7).map(|_| random.between(0, 34) as u32).collect();
                let options = GenerateOptions {
                    decoding: Decoding::Dual,
                    block_size: Some(block),
                    sampling,
                    replay: Some(Replay { text: ids.clone(), lengths: lengths.clone() }),
                    ..ar(budget)
                };
                let (replayed, accepted) = generate(&mut model.session(128).unwrap(), &text, &options);
                let what = format!("{tier:?}, {format:?}, block {block}, temperature {temperature}");
                assert_eq!(replayed, ids, "{what}");
                let mut expected = Vec::new();
                let mut anchor = 0;
                for length in lengths.iter().cycle() {
                    if anchor + 1 >= budget {
                        break;
                    }
                    // A block is shortened near the end of the budget.
                    let rows = block.min(budget - anchor);
                    let length = (*length as usize).min(rows - 1);
                    expected.push(length);
                    anchor += length + 1;
                }
                assert_eq!(accepted, expected, "{what}");
            }
        }
    }
}

#[test]
fn a_replay_must_say_everything() {
    let model = model(Tier::Subgroup, WeightFormat::F16);
    let mut session = model.session(64).unwrap();
    let replay = |text: Vec<u32>, lengths: Vec<u32>| GenerateOptions {
        max_new_tokens: 4,
        replay: Some(Replay { text, lengths }),
        ..Default::default()
    };
    let mut refused = |options: GenerateOptions, reason: &str| {
        let error = session.generate(&[1, 2], &options, &mut no_progress).err().unwrap();
        assert!(matches!(&error, Error::Replay { reason: given } if given.contains(reason)), "{error}");
    };
    refused(replay(vec![1; 4], vec![]), "no acceptance lengths");
    refused(replay(vec![1; 3], vec![1]), "3 tokens, and the token budget is 4");
    refused(replay(vec![2048; 4], vec![1]), "id 2048, beyond the vocabulary of 2048");
    let sampling = Sampling { temperature: 1.0, accept: AcceptRule::Rejection, ..Sampling::default() };
    refused(GenerateOptions { sampling, ..replay(vec![1; 4], vec![1]) }, "rejection");
    // Without a replay, the session is as it was before one.
    let (ids, _) = generate(&mut session, &[1, 2], &ar(4));
    let wrong = replay(ids.iter().map(|id| id ^ 2).collect(), vec![3]);
    assert_eq!(
        generate(&mut session, &[1, 2], &wrong),
        (ids.clone(), vec![0; 3]),
        "wrong drafts are rejected"
    );
    assert_eq!(generate(&mut session, &[1, 2], &ar(4)).0, ids);
}

#[test]
fn passes_can_be_measured_at_any_context() {
    let model = model(Tier::Subgroup, WeightFormat::F16);
    let mut session = model.session(700).unwrap();
    let text = prompt(&mut Random::new(4), 600);
    session.assume_cached(&text).unwrap();
    assert_eq!((session.cached(), session.text()), (600, &text[..]));
    let exact = MeasuredPass::Verify(ArKernel::Exact);
    for (pass, rows) in [(exact, 1), (exact, 32), (MeasuredPass::Draft, 32), (MeasuredPass::Draft, 1)] {
        session.run_passes(pass, rows, 3).unwrap();
        assert_eq!((session.cached(), session.text()), (600, &text[..]));
    }
    // Weights and cache: 2 layers of 2 kv heads of 32 f32 keys and values.
    let layer = 128 * (4 + 2 * 2) * 32 + 4 * 32 * 128 + 3 * 256 * 128;
    let weights = 2 * (2 * layer + 2048 * 128) + 4 * (5 * 128 + 2 * 64);
    assert_eq!(session.bytes_of_pass(exact), weights + 600 * 2 * 2 * 2 * 32 * 4);
    // What follows is generated from that context: nothing is processed but the prompt's last token.
    let next = [&text[..], &[5]].concat();
    let generation = session.generate(&next, &ar(8), &mut no_progress).unwrap();
    assert_eq!(generation.stats().reused_tokens, 600);
    assert_eq!(generation.map(|run| run.unwrap().ids.len()).sum::<usize>(), 8);

    assert!(matches!(session.run_passes(exact, 33, 1), Err(Error::BlockSize { asked: 33, most: 32 })));
    assert!(matches!(session.run_passes(exact, 0, 1), Err(Error::BlockSize { .. })));
    assert!(matches!(session.kernels_of(exact, 33), Err(Error::BlockSize { .. })));
    let fast = MeasuredPass::Verify(ArKernel::Fast);
    assert!(matches!(session.run_passes(fast, 2, 1), Err(Error::BlockSize { asked: 2, most: 1 })));
    assert!(matches!(session.assume_cached(&[0; 700]), Err(Error::ContextFull { .. })));
    assert!(matches!(session.assume_cached(&[2048]), Err(Error::IdOutOfRange { .. })));
    session.assume_cached(&[0; 690]).unwrap();
    // A row's place, and the bonus's.
    assert!(matches!(session.run_passes(exact, 10, 1), Err(Error::ContextFull { .. })));
    session.run_passes(exact, 9, 1).unwrap();
}

#[test]
fn a_prompts_pass_can_be_measured() {
    for tier in tiers() {
        let model = model(tier, WeightFormat::F16);
        let mut session = model.session(600).unwrap();
        let text = prompt(&mut Random::new(5), 500);
        for rows in [1, 100, session.sizes().rows.min(200)] {
            session.assume_cached(&text[..300]).unwrap();
            session.run_passes(MeasuredPass::Prefill, rows, 2).unwrap();
            assert_eq!((session.cached(), session.text()), (300, &text[..300]));
            for kernel in session.kernels_of(MeasuredPass::Prefill, rows).unwrap() {
                session.run_kernel(MeasuredPass::Prefill, rows, &kernel, 1).unwrap();
            }
            // What it was not to touch are zeros.
            session.assume_cached(&text).unwrap();
            let (keys, _) = session.cache(1).unwrap();
            let known = |key: &[f32]| key.iter().any(|value| *value != 0.0);
            let found: Vec<bool> = keys.chunks(32).take(500).map(known).collect();
            let expected: Vec<bool> =
                (0..500).map(|position| (300..300 + rows).contains(&position)).collect();
            assert_eq!(found, expected, "tier {}, {rows} rows", tier.name());
        }
        let rows = session.sizes().rows;
        session.assume_cached(&text[..300]).unwrap();
        assert!(matches!(session.run_passes(MeasuredPass::Prefill, 0, 1), Err(Error::PrefillRows { .. })));
        let too_many = session.run_passes(MeasuredPass::Prefill, rows + 1, 1);
        assert!(matches!(too_many, Err(Error::PrefillRows { most, .. }) if most == rows));
    }
}

#[test]
fn copying_moves_what_it_says() {
    let copying = Copying::new(&gpu(Tier::Baseline), 1 << 20).unwrap();
    assert_eq!(copying.bytes(), 2 << 20);
    copying.run(2).unwrap();
}
