//! Sampling from end to end: what is drawn has the base model's own distribution under both rules, and under the
//! coupled one both views draw the same text.

use std::collections::HashMap;

use bytemuck::Zeroable;
use orthrus::shaders::params::{Sampling as SamplingParams, SamplingCut};
use orthrus::shaders::{State, twin};
use orthrus::{
    AcceptRule, Decoding, Error, GenerateOptions, Model, Sampling, Session, Tier, WeightFormat, no_progress,
};
use orthrus_tests::checkpoint::{Shape, edited_checkpoint, random_checkpoint};
use orthrus_tests::golden::{CASES, Golden};
use orthrus_tests::gpu::{gpu, tiers, tiers_with_formats};

fn draw(
    session: &mut Session,
    prompt: &[u32],
    budget: usize,
    view: Decoding,
    sampling: Sampling,
) -> Vec<u32> {
    let options = GenerateOptions {
        max_new_tokens: budget,
        decoding: view,
        end_ids: Some(Vec::new()),
        sampling,
        ..Default::default()
    };
    session.generate(prompt, &options, &mut no_progress).unwrap().flat_map(|run| run.unwrap().ids).collect()
}

#[test]
fn coupled_views_draw_the_same_text() {
    for case in CASES {
        let golden = Golden::open(case);
        let checkpoint = orthrus::loader::Checkpoint::open(&golden.directory).unwrap();
        for (tier, format) in tiers_with_formats() {
            let model = Model::load(&gpu(tier), &checkpoint, format, &mut no_progress).unwrap();
            let mut session = model.session(100).unwrap();
            let mut texts = Vec::new();
            for (temperature, top_k, top_p) in [(0.3, 20, 0.8), (0.7, 0, 1.0), (1.0, 20, 1.0), (1.0, 0, 0.8)]
            {
                let sampling = Sampling { temperature, top_k, top_p, seed: 11, accept: AcceptRule::Coupled };
                let prompt = &golden.decoding.prompt_ids;
                let ar = draw(&mut session, prompt, 40, Decoding::Ar, sampling);
                let what = format!("{case}, {}, {sampling:?}", tier.name());
                assert_eq!(draw(&mut session, prompt, 40, Decoding::Dual, sampling), ar, "{what}");
                assert_eq!(draw(&mut session, prompt, 40, Decoding::Dual, sampling), ar, "{what}, again");
                texts.push(ar);
            }
            let other =
                Sampling { temperature: 1.0, top_k: 0, top_p: 1.0, seed: 12, accept: AcceptRule::Coupled };
            texts.push(draw(&mut session, &golden.decoding.prompt_ids, 40, Decoding::Dual, other));
            texts.dedup();
            assert!(texts.len() > 2, "{case}: temperature and seed make a difference");
        }
    }
}

#[test]
fn options_out_of_range_are_refused_with_the_range() {
    let golden = Golden::open("tied-gqa");
    let checkpoint = orthrus::loader::Checkpoint::open(&golden.directory).unwrap();
    let model = Model::load(&gpu(Tier::Subgroup), &checkpoint, WeightFormat::F32, &mut no_progress).unwrap();
    let mut session = model.session(64).unwrap();
    let mut refused = |sampling: Sampling| {
        let options = GenerateOptions { max_new_tokens: 4, sampling, ..Default::default() };
        let error = session.generate(&[1], &options, &mut no_progress).err().unwrap();
        assert!(matches!(error, Error::Sampling { .. }), "{error}");
        assert!(error.to_string().contains(" to "), "{error} names the range");
    };
    for temperature in [-0.1, f32::NAN, f32::INFINITY] {
        refused(Sampling { temperature, ..Default::default() });
    }
    for top_p in [-0.1, 1.1, f32::NAN] {
        refused(Sampling { temperature: 1.0, top_p, ..Default::default() });
    }
    // Below the official threshold, and with one id left, sampling is greedy decoding.
    let greedy = draw(&mut session, &[1, 2], 20, Decoding::Dual, Sampling::default());
    for sampling in [
        Sampling { temperature: 1e-6, ..Default::default() },
        Sampling { temperature: 100.0, top_k: 1, ..Default::default() },
        Sampling { temperature: 1.0, top_k: 0, top_p: 0.0, ..Default::default() },
    ] {
        for accept in [AcceptRule::Coupled, AcceptRule::Rejection] {
            assert_eq!(
                draw(&mut session, &[1, 2], 20, Decoding::Dual, Sampling { accept, ..sampling }),
                greedy
            );
        }
    }
}

/// Of a vocabulary that is a multiple of nothing.
const ODD: Shape = Shape {
    hidden: 24,
    layers: 2,
    heads: 3,
    kv_heads: 1,
    head_dim: 10,
    intermediate: 20,
    vocabulary: 1031,
    block: 8,
    tied: false,
};

/// The ends of every option's range.
fn extremes() -> Vec<Sampling> {
    let mut all = vec![Sampling::default()];
    for temperature in [1e-6, 2e-5, 1.0, 100.0, 1e6] {
        for (top_k, top_p) in [(0, 1.0), (1, 1.0), (0, 0.0), (20, 0.0), (1030, 0.8), (0, 0.5), (5000, 1.0)] {
            all.push(Sampling { temperature, top_k, top_p, seed: 3, accept: AcceptRule::Coupled });
        }
    }
    all
}

/// Logits as they should not be: all equal, and one of them infinite. Every setting gives as many ids as were asked
/// for, in both views the same.
#[test]
fn extreme_logits() {
    let equal = |name: &str, values: &mut [f32]| {
        if name == "model.norm.weight" {
            values.fill(0.0);
        }
        true
    };
    // Of two rows of the head, one value is left, by which one's logit overflows upwards, the other's downwards.
    let infinite = |name: &str, values: &mut [f32]| {
        if name == "lm_head.weight" {
            values[17 * ODD.hidden..][..2 * ODD.hidden].fill(0.0);
            values[17 * ODD.hidden] = 3e38;
            values[18 * ODD.hidden] = -3e38;
        } else if name == "model.norm.weight" {
            values[0] = 1e4;
        }
        true
    };
    for tier in tiers() {
        let load =
            |checkpoint| Model::load(&gpu(tier), &checkpoint, WeightFormat::F32, &mut no_progress).unwrap();
        let models = [load(edited_checkpoint(&ODD, 5, equal)), load(edited_checkpoint(&ODD, 5, infinite))];
        for (model, equal) in models.iter().zip([true, false]) {
            let mut session = model.session(40).unwrap();
            for sampling in extremes() {
                let ar = draw(&mut session, &[7, 1], 20, Decoding::Ar, sampling);
                let what = format!("equal: {equal}, {}, {sampling:?}", tier.name());
                assert_eq!(ar.len(), 20, "{what}");
                assert_eq!(draw(&mut session, &[7, 1], 20, Decoding::Dual, sampling), ar, "{what}");
                let rejection = Sampling { accept: AcceptRule::Rejection, ..sampling };
                assert_eq!(draw(&mut session, &[7, 1], 20, Decoding::Dual, rejection).len(), 20, "{what}");
                let certain = sampling.is_greedy() || sampling.top_p == 0.0;
                if !equal {
                    assert!(ar.iter().all(|id| [17, 18].contains(id)), "{what}");
                } else if certain {
                    assert_eq!(ar, [0; 20], "{what}");
                } else {
                    assert!(ar.iter().any(|id| *id > 20), "{what}");
                }
            }
        }
    }
}

/// Rows without any number end in an error, however ids are chosen, and not in a text or a loop.
#[test]
fn logits_that_are_no_numbers_end_in_an_error() {
    let overflowing = edited_checkpoint(&ODD, 5, |name, values| {
        if name == "model.layers.1.post_attention_layernorm.weight" {
            values.fill(f32::MAX);
        }
        true
    });
    let model = Model::load(&gpu(Tier::Subgroup), &overflowing, WeightFormat::F32, &mut no_progress).unwrap();
    let mut session = model.session(40).unwrap();
    for sampling in extremes() {
        for (view, accept) in [
            (Decoding::Ar, AcceptRule::Coupled),
            (Decoding::Dual, AcceptRule::Coupled),
            (Decoding::Dual, AcceptRule::Rejection),
        ] {
            let sampling = Sampling { accept, ..sampling };
            let options =
                GenerateOptions { max_new_tokens: 9, decoding: view, sampling, ..Default::default() };
            let mut generation = session.generate(&[7, 1], &options, &mut no_progress).unwrap();
            let error = generation.next().unwrap().unwrap_err();
            assert!(matches!(error, Error::InvalidLogits { position: 1 }), "{error}");
            assert!(generation.next().is_none());
        }
    }
}

const VOCABULARY: usize = 6;
const PROMPT: [u32; 2] = [1, 4];

/// The exact distribution of the first three tokens, from the AR view's logits after every prefix.
fn exact_distribution(session: &mut Session, sampling: &Sampling) -> HashMap<Vec<u32>, f64> {
    let state = State {
        rows: 1,
        logit_rows: 1,
        inverse_temperature: 1.0 / sampling.temperature,
        top_k: sampling.top_k,
        top_p: sampling.top_p,
        ..State::zeroed()
    };
    let params = SamplingParams::new(VOCABULARY, false);
    let mut exact = HashMap::from([(Vec::new(), 1.0)]);
    for _ in 0..3 {
        let mut longer = HashMap::new();
        for (prefix, probability) in exact {
            session.clear();
            let text = [&PROMPT[..], &prefix].concat();
            let logits = session.append(&text).unwrap();
            let last = &logits[logits.len() - VOCABULARY..];
            let mut d = [SamplingCut::zeroed()];
            twin::sampling_cut(&state, &params, last, &mut d);
            for (id, logit) in last.iter().enumerate() {
                if *logit >= d[0].cut {
                    let behind = f64::from(logit - d[0].highest) / f64::from(sampling.temperature);
                    let weight = behind.exp() / f64::from(d[0].mass);
                    longer.insert([&prefix[..], &[id as u32]].concat(), probability * weight);
                }
            }
        }
        exact = longer;
    }
    exact
}

/// How surprising the counts are, as a standard normal variable: Pearson's chi-square through Wilson and Hilferty's
/// cube root. Cells with fewer than 5 expected draws are taken together.
fn surprise(counts: &HashMap<Vec<u32>, usize>, exact: &HashMap<Vec<u32>, f64>) -> f64 {
    let draws: usize = counts.values().sum();
    let impossible = counts.keys().any(|drawn| !exact.contains_key(drawn));
    assert!(!impossible, "drawn what has no probability");
    let (mut chi_square, mut cells) = (0.0, 0);
    let (mut rest_expected, mut rest_found) = (0.0, 0.0);
    let mut add = |expected: f64, found: f64| {
        chi_square += (found - expected).powi(2) / expected;
        cells += 1;
    };
    for (drawn, probability) in exact {
        let expected = probability * draws as f64;
        let found = counts.get(drawn).copied().unwrap_or(0) as f64;
        if expected < 5.0 {
            rest_expected += expected;
            rest_found += found;
        } else {
            add(expected, found);
        }
    }
    if rest_expected > 0.5 {
        add(rest_expected, rest_found);
    }
    assert!(cells > 10, "{cells} cells");
    let freedom = f64::from(cells - 1);
    ((chi_square / freedom).cbrt() - (1.0 - 2.0 / (9.0 * freedom))) / (2.0 / (9.0 * freedom)).sqrt()
}

/// p > 0.01, one-sided.
const SURPRISING: f64 = 2.326;

/// `ORTHRUS_DRAWS`: how many texts to draw; the default suits a software adapter.
fn draws() -> u64 {
    std::env::var("ORTHRUS_DRAWS").ok().and_then(|draws| draws.parse().ok()).unwrap_or(400)
}

/// How often which three tokens are drawn first, over as many seeds as there are draws; several sessions at a time, since
/// each waits for the GPU more than it works.
fn counts(model: &Model, view: Decoding, sampling: &Sampling) -> HashMap<Vec<u32>, usize> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let some = |first: u64| {
        let mut session = model.session(16).unwrap();
        let mut counts = HashMap::new();
        for seed in (first..draws()).step_by(threads) {
            let drawn = draw(&mut session, &PROMPT, 3, view, Sampling { seed, ..*sampling });
            *counts.entry(drawn).or_insert(0) += 1;
        }
        counts
    };
    let mut all = HashMap::new();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads as u64).map(|first| scope.spawn(move || some(first))).collect();
        for (drawn, count) in running.into_iter().flat_map(|thread| thread.join().unwrap()) {
            *all.entry(drawn).or_insert(0) += count;
        }
    });
    all
}

/// All ids hot, and few of them.
const HOT: (f32, u32, f32) = (1.3, 0, 1.0);
const CUT: (f32, u32, f32) = (0.9, 4, 0.9);

fn assert_draws_fit(view: Decoding, accept: AcceptRule, (temperature, top_k, top_p): (f32, u32, f32)) {
    let shape = Shape {
        hidden: 16,
        layers: 1,
        heads: 2,
        kv_heads: 1,
        head_dim: 8,
        intermediate: 16,
        vocabulary: VOCABULARY,
        block: 4,
        tied: true,
    };
    let checkpoint = random_checkpoint(&shape, 3);
    let model = Model::load(&gpu(Tier::Subgroup), &checkpoint, WeightFormat::F32, &mut no_progress).unwrap();
    let mut session = model.session(16).unwrap();
    let sampling = Sampling { temperature, top_k, top_p, seed: 0, accept };
    let exact = exact_distribution(&mut session, &sampling);
    assert!((exact.values().sum::<f64>() - 1.0).abs() < 1e-5);
    let surprise = surprise(&counts(&model, view, &sampling), &exact);
    println!("{view:?}, {accept:?}, temperature {temperature}, {} draws: {surprise:.2}", draws());
    assert!(surprise < SURPRISING, "{view:?}, {accept:?}, temperature {temperature}: {surprise}");
}

#[test]
fn rejection_draws_the_exact_distribution() {
    assert_draws_fit(Decoding::Dual, AcceptRule::Rejection, HOT);
}

#[test]
fn rejection_draws_the_exact_distribution_cut() {
    assert_draws_fit(Decoding::Dual, AcceptRule::Rejection, CUT);
}

#[test]
fn coupled_draws_the_exact_distribution() {
    assert_draws_fit(Decoding::Dual, AcceptRule::Coupled, HOT);
}

#[test]
fn coupled_draws_the_exact_distribution_cut() {
    assert_draws_fit(Decoding::Dual, AcceptRule::Coupled, CUT);
}

#[test]
fn the_ar_view_draws_the_exact_distribution() {
    assert_draws_fit(Decoding::Ar, AcceptRule::Coupled, HOT);
}

#[test]
fn the_ar_view_draws_the_exact_distribution_cut() {
    assert_draws_fit(Decoding::Ar, AcceptRule::Coupled, CUT);
}

/// The tests above can fail: drawing from p itself after a rejection, rather than from the residual, gives
/// min(p, q) + (1 - Σ min(p, q)) p, and is found out with as many draws.
#[test]
fn a_wrong_residual_is_found_out() {
    let p = [0.4, 0.3, 0.1, 0.1, 0.05, 0.05];
    let q = [0.1, 0.2, 0.3, 0.2, 0.1, 0.1];
    let accepted: f64 = p.iter().zip(q).map(|(p, q): (&f64, f64)| p.min(q)).sum();
    let wrong = |id: usize| p[id].min(q[id]) + (1.0 - accepted) * p[id];
    let pairs = |of: &dyn Fn(usize) -> f64| -> HashMap<Vec<u32>, f64> {
        (0..36).map(|i| (vec![i as u32 / 6, i as u32 % 6], of(i / 6) * of(i % 6))).collect()
    };
    let exact = pairs(&|id| p[id]);
    let counted = |of: HashMap<Vec<u32>, f64>| -> HashMap<Vec<u32>, usize> {
        of.into_iter().map(|(drawn, mass)| (drawn, (mass * draws() as f64).round() as usize)).collect()
    };
    assert!(surprise(&counted(pairs(&wrong)), &exact) > SURPRISING);
    assert!(surprise(&counted(exact.clone()), &exact) < SURPRISING);
}
