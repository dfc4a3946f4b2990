//! The engine against the official PyTorch implementation, in float32: logits of both views, cache rows, greedy
//! ids, and the acceptance length of every cycle.

use orthrus::loader::Checkpoint;
use orthrus::{Decoding, FinishReason, GenerateOptions, Model, Session, Stats, WeightFormat, no_progress};
use orthrus_tests::compare::assert_rows_close;
use orthrus_tests::golden::{CASES, Golden, GoldenRun};
use orthrus_tests::gpu::{gpu, tiers};

fn for_every_case(check: impl Fn(&Golden, &Model, &str)) {
    for case in CASES {
        let golden = Golden::open(case);
        let checkpoint = Checkpoint::open(&golden.directory).unwrap();
        for tier in tiers() {
            let model = Model::load(&gpu(tier), &checkpoint, WeightFormat::F32, &mut no_progress).unwrap();
            check(&golden, &model, &format!("{case}, tier {}", tier.name()));
        }
    }
}

#[test]
fn logits_and_cache() {
    for_every_case(|golden, model, what| {
        let mut session = model.session(256).unwrap();
        let vocabulary = model.config().vocab_size;
        let prompt = golden.ids("prompt_ids");
        let ar = session.append(&prompt).unwrap();
        assert_rows_close(&ar, &golden.tensor("ar_logits"), vocabulary, &format!("{what}, AR"));

        for layer in [0, model.config().num_hidden_layers - 1] {
            let (keys, values) = session.cache(layer).unwrap();
            let width = model.config().head_dim;
            for (found, kind) in [(keys, "key"), (values, "value")] {
                let expected = golden.tensor(&format!("cache.{layer}.{kind}"));
                assert_rows_close(&found, &expected, width, &format!("{what}, cache.{layer}.{kind}"));
            }
        }

        let block = golden.ids("diffusion_input_ids");
        let diffusion = session.draft(block[0], block.len()).unwrap();
        let expected = golden.tensor("diffusion_logits");
        assert_rows_close(&diffusion, &expected, vocabulary, &format!("{what}, diffusion"));

        let verify = session.append(&golden.ids("verify_input_ids")).unwrap();
        assert_rows_close(&verify, &golden.tensor("verify_logits"), vocabulary, &format!("{what}, verify"));
    });
}

fn generate(
    session: &mut Session,
    prompt: &[u32],
    run: &GoldenRun,
    view: Decoding,
) -> (Vec<u32>, Stats, FinishReason) {
    let options = GenerateOptions {
        max_new_tokens: run.max_new_tokens,
        decoding: view,
        block_size: None,
        end_ids: Some(vec![run.eos_token_id]),
        ..Default::default()
    };
    let mut generation = session.generate(prompt, &options, &mut no_progress).unwrap();
    let mut ids = Vec::new();
    let mut cycles = run.cycles.iter();
    for item in &mut generation {
        let item = item.unwrap();
        ids.extend(&item.ids);
        if let (Decoding::Dual, Some(cycle)) = (view, item.cycle) {
            let expected = cycles.next().unwrap();
            assert_eq!(cycle.rows, expected.block_len);
            // Beyond the first rejected draft, the goldens may be close calls.
            let sure = (cycle.acceptance_length + 1).min(expected.draft.len());
            assert_eq!(cycle.drafts[..sure], expected.draft[..sure]);
        }
    }
    let finish = generation.finish_reason().unwrap();
    (ids, generation.stats().clone(), finish)
}

#[test]
fn greedy_runs() {
    for_every_case(|golden, model, what| {
        for (name, run) in &golden.decoding.runs {
            let what = format!("{what}, {name}");
            let mut session = model.session(256).unwrap();
            let prompt = &golden.decoding.prompt_ids;
            let (ids, stats, finish) = generate(&mut session, prompt, run, Decoding::Dual);
            assert_eq!(ids, run.new_ids, "{what}");
            assert_eq!(stats.acceptance_lengths, run.accept_lens, "{what}");
            assert_eq!(stats.forward_passes, run.n_forward, "{what}");
            assert_eq!(stats.new_tokens, ids.len(), "{what}");
            let stopped = ids.last() == Some(&run.eos_token_id);
            assert_eq!(finish, if stopped { FinishReason::Stop } else { FinishReason::Length }, "{what}");

            let (ar_ids, ar_stats, ar_finish) = generate(&mut session, prompt, run, Decoding::Ar);
            assert_eq!(ar_ids, run.new_ids, "{what}, AR view");
            assert_eq!(ar_finish, finish, "{what}, AR view");
            assert_eq!(ar_stats.forward_passes, ids.len(), "{what}, AR view");
        }
    });
}

/// Losslessness where it is not given by parity: every weight format, and blocks of any size.
#[test]
fn dual_is_ar_in_every_format_and_block_size() {
    for case in CASES {
        let golden = Golden::open(case);
        let checkpoint = Checkpoint::open(&golden.directory).unwrap();
        let most = checkpoint.config().block_size;
        for tier in tiers() {
            for format in WeightFormat::ALL {
                let model = Model::load(&gpu(tier), &checkpoint, format, &mut no_progress).unwrap();
                let mut session = model.session(128).unwrap();
                let mut decode = |view, block_size| {
                    let options = GenerateOptions {
                        max_new_tokens: 128 - golden.decoding.prompt_ids.len(),
                        decoding: view,
                        block_size: Some(block_size),
                        end_ids: Some(Vec::new()),
                        ..Default::default()
                    };
                    let prompt = &golden.decoding.prompt_ids;
                    let mut generation = session.generate(prompt, &options, &mut no_progress).unwrap();
                    let ids: Vec<u32> = generation.by_ref().flat_map(|run| run.unwrap().ids).collect();
                    (ids, generation.stats().tokens_per_cycle())
                };
                let (ar, _) = decode(Decoding::Ar, most);
                for block_size in [1, 2, most / 2 + 1, most] {
                    let what = format!("{case}, tier {}, {}, block {block_size}", tier.name(), format.name());
                    let (dual, tokens_per_cycle) = decode(Decoding::Dual, block_size);
                    assert_eq!(dual, ar, "{what}");
                    // A diffusion view gone wrong would show here, and not in the text.
                    let least = if block_size == 1 { 1.0 } else { 1.4 };
                    assert!(tokens_per_cycle >= least, "{what}: {tokens_per_cycle} tokens per cycle");
                }
            }
        }
    }
}
