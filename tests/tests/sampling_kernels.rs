//! The kernels of sampling against their CPU twins and the official implementation's distributions.

use bytemuck::Zeroable;
use orthrus::Gpu;
use orthrus::shaders::params::{Argmax, Candidate, Choice, LogitPart, Reject, SamplingCut};
use orthrus::shaders::twin::{self, random};
use orthrus::shaders::{Candidates, Kernel, NO_ID, State};
use orthrus_tests::golden::{CASES, Golden};
use orthrus_tests::gpu::{gpu, tiers};
use orthrus_tests::kernel::{Operands, on_random_shapes};
use orthrus_tests::random::Random;

fn random_state(random: &mut Random, rows: usize) -> State {
    State {
        start: random.between(0, 60) as u32,
        rows: rows as u32,
        logit_rows: rows as u32,
        rule: random.pick(&[Acceptance::Coupled, Acceptance::Rejection]),
        inverse_temperature: 1.0 / random.pick(&[0.3, 0.7, 1.0, 1.7, 100.0]),
        top_k: random.pick(&[0, 0, 1, 5, 20, 1000]),
        top_p: random.pick(&[0.0, 0.3, 0.8, 0.95, 1.0]),
        seed: [random.bits() as u32, random.bits() as u32],
        ..State::zeroed()
    }
}

/// Rows of logits: spread, flat, peaked, tied.
fn random_logits(random: &mut Random, rows: usize, vocabulary: usize) -> Vec<f32> {
    let mut logits = Vec::new();
    for _ in 0..rows {
        let scale = random.pick(&[0.5, 3.0, 12.0]);
        let tied = random.between(0, 2) == 0;
        logits.extend((0..vocabulary).map(|_| {
            let logit = scale * random.normal();
            if tied { logit.round() } else { logit }
        }));
    }
    logits
}

fn surveyed(gpu: &Gpu, state: &State, params: &Choice, logits: &[f32], rows: usize) -> Vec<LogitPart> {
    let count = rows * params.parts as usize;
    let run = Operands::new(gpu)
        .storage(&[*state])
        .params(params)
        .storage(logits)
        .storage(&vec![LogitPart::zeroed(); count])
        .run(Kernel::LogitParts, params.grid(rows));
    run.read(3, count)
}

fn distributions(gpu: &Gpu, state: &State, params: &Choice, logits: &[f32], rows: usize) -> Vec<SamplingCut> {
    let run = Operands::new(gpu)
        .storage(&[*state])
        .params(params)
        .storage(logits)
        .storage(&surveyed(gpu, state, params, logits, rows))
        .storage(&vec![SamplingCut::zeroed(); rows])
        .run(Kernel::SamplingCut, params.row_grid(rows));
    run.read(4, rows)
}

fn assert_same(found: &SamplingCut, expected: &SamplingCut, what: &str) {
    let close = |a: f32, b: f32| a == b || (a - b).abs() <= 1e-5 * b.abs();
    let same = close(found.highest, expected.highest)
        && close(found.cut, expected.cut)
        && found.last_id == expected.last_id
        && close(found.mass, expected.mass);
    // Where everything remains, any cut at or below the lowest will do.
    let whole = close(found.mass, expected.mass) && found.cut <= expected.cut && found.last_id == u32::MAX;
    assert!(same || whole, "{what}: {found:?}, should be {expected:?}");
}

#[test]
fn logit_parts() {
    on_random_shapes(|gpu, random, what| {
        let rows = random.between(1, 20);
        let vocabulary = random.pick(&[1, 2, 128, random.clone().between(1, 5000)]);
        let state = random_state(random, rows);
        let params = Choice::new(vocabulary, random.between(0, 1) == 1);
        let mut logits = random_logits(random, rows, vocabulary);
        for _ in 0..vocabulary / 50 {
            let any = random.between(0, logits.len() - 1);
            logits[any] = random.pick(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0]);
        }
        let mut expected = vec![LogitPart::zeroed(); rows * params.parts as usize];
        twin::logit_parts(&state, &params, &logits, &mut expected);
        let found = surveyed(gpu, &state, &params, &logits, rows);
        for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let close = (found.mass - expected.mass).abs() <= 1e-5 * expected.mass;
            assert!(found.key == expected.key && close, "{what}, {at}: {found:?}, should be {expected:?}");
        }
    });
}

#[test]
fn distribution() {
    on_random_shapes(|gpu, random, what| {
        let rows = random.between(1, 20);
        let vocabulary =
            random.pick(&[1, 2, 7, 70_000, random.clone().between(1, 400), random.clone().between(1, 5000)]);
        let state = random_state(random, rows);
        let params = Choice::new(vocabulary, random.between(0, 1) == 1);
        let logits = random_logits(random, rows, vocabulary);
        let mut expected = vec![SamplingCut::zeroed(); rows];
        twin::distribution(&state, &params, &logits, &mut expected);
        let found = distributions(gpu, &state, &params, &logits, rows);
        for (row, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_same(found, expected, &format!("{what}, row {row} of {vocabulary}, {state:?}"));
        }
    });
}

/// What no one should sample from, and someone will.
#[test]
fn distribution_of_extreme_rows() {
    let vocabulary = 300;
    for tier in tiers() {
        let gpu = gpu(tier);
        for (temperature, top_k, top_p) in [(1.0, 0, 1.0), (0.01, 20, 0.8), (100.0, 1, 0.0), (1.0, 0, 0.5)] {
            let inverse_temperature = 1.0 / temperature;
            let state =
                State { rows: 5, logit_rows: 5, inverse_temperature, top_k, top_p, ..State::zeroed() };
            let params = Choice::new(vocabulary, false);
            let mut logits = vec![0.25; 5 * vocabulary];
            logits[vocabulary + 17] = f32::INFINITY;
            logits[2 * vocabulary..3 * vocabulary].fill(f32::NAN);
            logits[3 * vocabulary..4 * vocabulary].fill(f32::NEG_INFINITY);
            logits[3 * vocabulary + 9] = -3.0;
            logits[4 * vocabulary + 4] = f32::NAN;
            let mut expected = vec![SamplingCut::zeroed(); 5];
            twin::distribution(&state, &params, &logits, &mut expected);
            let found = distributions(&gpu, &state, &params, &logits, 5);
            let what = format!("temperature {temperature}, top-k {top_k}, top-p {top_p}");
            assert_eq!(found[1].highest, f32::INFINITY, "{what}");
            assert!((found[1].mass - 1.0).abs() < 1e-5, "{what}: only the infinite one weighs");
            assert_eq!(found[2].mass, 0.0, "{what}: no number");
            assert!((found[3].mass - 1.0).abs() < 1e-5, "{what}");
            for row in [0, 4] {
                assert_same(&found[row], &expected[row], &format!("{what}, row {row}"));
            }
        }
    }
}

fn probabilities(state: &State, d: &SamplingCut, logits: &[f32]) -> Vec<f32> {
    let remains = |logit: f32, id: usize| logit > d.cut || (logit == d.cut && id as u32 <= d.last_id);
    let weight = |(id, &logit): (usize, &f32)| {
        let behind = (f64::from(logit) - f64::from(d.highest)) * f64::from(state.inverse_temperature);
        if remains(logit, id) { behind.exp() / f64::from(d.mass) } else { 0.0 }
    };
    logits.iter().enumerate().map(|entry| weight(entry) as f32).collect()
}

/// The processed distributions p and q, and the residual, are the official implementation's.
#[test]
fn official_distributions() {
    for case in CASES {
        let golden = Golden::open(case);
        for tier in tiers() {
            let gpu = gpu(tier);
            let check =
                |state: &State, logits: &[f32], expected: &[f32], rows: usize, what: &str| -> Vec<f32> {
                    let vocabulary = logits.len() / rows;
                    let params = Choice::new(vocabulary, false);
                    let state = State { rows: rows as u32, logit_rows: rows as u32, ..*state };
                    let found = distributions(&gpu, &state, &params, logits, rows);
                    let mut all = Vec::new();
                    for (row, d) in found.iter().enumerate() {
                        all.extend(probabilities(&state, d, &logits[row * vocabulary..][..vocabulary]));
                    }
                    for (i, (found, expected)) in all.iter().zip(expected).enumerate() {
                        assert!(
                            (found - expected).abs() <= 1e-5,
                            "{case}, {what}, {i}: {found}, should be {expected}"
                        );
                    }
                    all
                };
            let of = |setting: &orthrus_tests::golden::SamplingSetting| State {
                inverse_temperature: 1.0 / setting.temperature,
                top_k: setting.top_k.max(0) as u32,
                top_p: setting.top_p,
                ..State::zeroed()
            };
            let sampling = &golden.decoding.sampling;
            for (index, setting) in sampling.settings.iter().enumerate() {
                let state = of(setting);
                let tensor = |name: &str| golden.tensor(&format!("sampling.{index}.{name}"));
                let rows = sampling.draft_tokens.len();
                let p = check(&state, &golden.tensor("sampling.ar_logits"), &tensor("p"), rows, "p");
                let q = check(&state, &golden.tensor("sampling.diffusion_logits"), &tensor("q"), rows, "q");
                let synthetic = golden.tensor("sampling.synthetic_logits");
                check(&state, &synthetic, &tensor("synthetic_probs"), 3, "synthetic");
                let vocabulary = p.len() / rows;
                for (row, &draft) in sampling.draft_tokens.iter().enumerate() {
                    let at = row * vocabulary + draft as usize;
                    let accept = (p[at] / q[at].max(1e-8)).min(1.0);
                    assert!((accept - sampling.accept_probs[index][row]).abs() <= 1e-4, "{case}, accept");
                }
            }
            let ties = golden.tensor("sampling.tie_logits");
            let expected = golden.tensor("sampling.tie_probs");
            for (row, setting) in sampling.tie_settings.iter().enumerate() {
                check(&of(setting), &ties, &expected[row * ties.len()..][..ties.len()], 1, "ties");
            }
        }
    }
}

/// Scores closer than this may be rounded either way.
const CLEAR: f64 = 1e-4;

#[test]
fn sample() {
    on_random_shapes(|gpu, random, what| {
        let rows = random.between(1, 20);
        let vocabulary = random.pick(&[1, 7, random.clone().between(1, 3000)]);
        let state = random_state(random, rows);
        let params = Choice::new(vocabulary, random.between(0, 1) == 1);
        let logits = random_logits(random, rows, vocabulary);
        let distributions = distributions(gpu, &state, &params, &logits, rows);
        let mut expected = vec![NO_ID - 1; state.start as usize + rows + 1];
        let run = Operands::new(gpu)
            .storage(&[state])
            .params(&params)
            .storage(&logits)
            .storage(&distributions)
            .storage(&vec![Candidate { logit: 0.0, id: NO_ID }; rows * params.groups as usize])
            .run(Kernel::Sample, params.grid(rows));
        let argmax = Argmax { candidates: params.groups, draft: params.draft, pad: [0; 2] };
        let run = Operands::new(gpu)
            .storage(&[state])
            .params(&argmax)
            .storage(&run.read::<Candidate>(4, rows * params.groups as usize))
            .storage(&expected)
            .run(Kernel::Argmax(Candidates::Best), argmax.grid(rows));
        let leads = twin::sample(&state, &params, &logits, &distributions, &mut expected);
        let mut found: Vec<u32> = run.read(3, expected.len());
        let first = if params.draft == 1 { state.start as usize + 1 } else { 0 };
        for (row, lead) in leads.iter().enumerate() {
            if *lead < CLEAR {
                found[first + row] = expected[first + row];
            }
        }
        assert_eq!(found, expected, "{what}, {state:?}");
    });
}

#[test]
fn reject() {
    on_random_shapes(|gpu, random, what| {
        let rows = random.between(1, 20);
        let vocabulary = random.between(2, 1000);
        let state = random_state(random, rows);
        let params = Choice::new(vocabulary, false);
        let reject = Reject { vocabulary: vocabulary as u32, pad: [0; 3] };
        let logits = random_logits(random, rows, vocabulary);
        let near = random.unit();
        let draft_logits: Vec<f32> = logits.iter().map(|logit| logit + near * random.normal()).collect();
        let p = distributions(gpu, &state, &params, &logits, rows);
        let q = distributions(gpu, &state, &params, &draft_logits, rows);
        let mut tokens = vec![0; state.start as usize + rows + 1];
        let draft = Choice::new(vocabulary, true);
        twin::sample(&state, &draft, &draft_logits, &q, &mut tokens);
        let mut expected = vec![NO_ID - 1; rows];
        let run = Operands::new(gpu)
            .storage(&[state])
            .params(&reject)
            .storage(&logits)
            .storage(&p)
            .storage(&draft_logits)
            .storage(&q)
            .storage(&tokens)
            .storage(&expected)
            .run(Kernel::Reject, reject.grid(rows));
        let leads = twin::reject(&state, &reject, &logits, &p, &draft_logits, &q, &tokens, &mut expected);
        let mut found: Vec<u32> = run.read(7, rows);
        for (row, lead) in leads.iter().enumerate() {
            if *lead < CLEAR {
                found[row] = expected[row];
            }
        }
        assert_eq!(found, expected, "{what}, {state:?}");
    });
}

/// Known answers of Philox 2x32-10, from the Random123 distribution's test vectors.
#[test]
fn philox_is_philox() {
    assert_eq!(random::philox([0, 0], 0), [0xff1d_ae59, 0x6cd1_0df2]);
    assert_eq!(random::philox([u32::MAX, u32::MAX], u32::MAX), [0x2c3f_628b, 0xab4f_d7ad]);
    assert_eq!(random::philox([0x243f_6a88, 0x85a3_08d3], 0x1319_8a2e), [0xdd7c_e038, 0xf62a_4c12]);
}
