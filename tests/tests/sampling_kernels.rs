//! The choice of ids: rows that no one should choose from, and the official implementation's distributions.

use bytemuck::Zeroable;
use orthrus::Gpu;
use orthrus::shaders::params::{Sampling, SamplingCut};
use orthrus::shaders::twin::{self, random};
use orthrus::shaders::{NO_ID, State};
use orthrus_tests::cases::decode::argmax;
use orthrus_tests::cases::operands::pass;
use orthrus_tests::cases::sampling::{same_cut, sampling_cut};
use orthrus_tests::golden::{CASES, Golden};
use orthrus_tests::gpu::{gpu, tiers};

fn cuts(gpu: &Gpu, state: &State, params: &Sampling, logits: &[f32]) -> Vec<SamplingCut> {
    let loaded = sampling_cut(*state, *params, logits.to_vec()).load(gpu).unwrap();
    loaded.run(1).unwrap();
    loaded.read("cuts")
}

#[test]
fn argmax_of_extreme_rows() {
    let vocabulary = 300;
    let mut logits = vec![f32::NAN; 2 * vocabulary];
    logits[vocabulary + 7] = 0.5;
    logits.extend([f32::MIN; 300]);
    logits.extend([f32::NEG_INFINITY; 600]);
    logits[4 * vocabulary + 290] = f32::MIN;
    for tier in tiers() {
        let gpu = gpu(tier);
        let loaded = argmax(pass(0, 5), 0, vocabulary, logits.clone()).load(&gpu).unwrap();
        loaded.run(1).unwrap();
        let found: Vec<u32> = loaded.read("ids");
        // As torch has it, but for the row without a number.
        assert_eq!(found[..5], [NO_ID, 7, 0, 0, 290]);
        argmax(pass(0, 5), 0, vocabulary, logits.clone()).check(&gpu).unwrap();
    }
}

/// What no one should sample from, and someone will.
#[test]
fn cuts_of_extreme_rows() {
    let vocabulary = 300;
    for tier in tiers() {
        let gpu = gpu(tier);
        for (temperature, top_k, top_p) in [(1.0, 0, 1.0), (0.01, 20, 0.8), (100.0, 1, 0.0), (1.0, 0, 0.5)] {
            let inverse_temperature = 1.0 / temperature;
            let state =
                State { rows: 5, logit_rows: 5, inverse_temperature, top_k, top_p, ..State::zeroed() };
            let params = Sampling::new(vocabulary, false);
            let mut logits = vec![0.25; 5 * vocabulary];
            logits[vocabulary + 17] = f32::INFINITY;
            logits[2 * vocabulary..3 * vocabulary].fill(f32::NAN);
            logits[3 * vocabulary..4 * vocabulary].fill(f32::NEG_INFINITY);
            logits[3 * vocabulary + 9] = -3.0;
            logits[4 * vocabulary + 4] = f32::NAN;
            let mut expected = vec![SamplingCut::zeroed(); 5];
            twin::sampling_cut(&state, &params, &logits, &mut expected);
            let found = cuts(&gpu, &state, &params, &logits);
            let what = format!("temperature {temperature}, top-k {top_k}, top-p {top_p}");
            assert_eq!(found[1].highest, f32::INFINITY, "{what}");
            assert!((found[1].mass - 1.0).abs() < 1e-5, "{what}: only the infinite one weighs");
            assert_eq!(found[2].mass, 0.0, "{what}: no number");
            assert!((found[3].mass - 1.0).abs() < 1e-5, "{what}");
            for row in [0, 4] {
                same_cut(&found[row], &expected[row], row).unwrap_or_else(|fault| panic!("{what}, {fault}"));
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
                    let params = Sampling::new(vocabulary, false);
                    let state = State { rows: rows as u32, logit_rows: rows as u32, ..*state };
                    let found = cuts(&gpu, &state, &params, logits);
                    let mut all = Vec::new();
                    for (row, d) in found.iter().enumerate() {
                        all.extend(probabilities(&state, d, &logits[row * vocabulary..][..vocabulary]));
                    }
                    for (i, (found, expected)) in all.iter().zip(expected).enumerate() {
                        let off = (found - expected).abs();
                        assert!(off <= 1e-5, "{case}, {what}, {i}: {found}, should be {expected}");
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

/// Known answers of Philox 2x32-10, from the Random123 distribution's test vectors.
#[test]
fn philox_is_philox() {
    assert_eq!(random::philox([0, 0], 0), [0xff1d_ae59, 0x6cd1_0df2]);
    assert_eq!(random::philox([u32::MAX, u32::MAX], u32::MAX), [0x2c3f_628b, 0xab4f_d7ad]);
    assert_eq!(random::philox([0x243f_6a88, 0x85a3_08d3], 0x1319_8a2e), [0xdd7c_e038, 0xf62a_4c12]);
}
