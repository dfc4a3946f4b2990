//! The bundled model: the engine against the official implementation on real text.

use std::path::PathBuf;

use orthrus::loader::{ChatRequest, Checkpoint, Message};
use orthrus::{AcceptRule, Decoding, GenerateOptions, Model, Sampling, Tier, WeightFormat, no_progress};
use orthrus_tests::gpu::{gpu, tiers};
use serde::Deserialize;

/// What the official implementation gives, in float32 (`models/tiny/recipe/oracle.py`).
#[derive(Deserialize)]
struct Fixture {
    max_new_tokens: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    family: String,
    prompt_ids: Vec<u32>,
    output_ids: Vec<u32>,
    acceptance_lengths: Vec<usize>,
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn checkpoint() -> Checkpoint {
    Checkpoint::open(path("../models/tiny")).unwrap()
}

/// `ORTHRUS_TINY_CASES`: how many of the fixture's 64 prompts; the default suits a software adapter. Families
/// take turns in it.
fn cases(fixture: &Fixture) -> impl Iterator<Item = &Case> {
    let count = std::env::var("ORTHRUS_TINY_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(16);
    fixture.cases.iter().step_by(fixture.cases.len().div_ceil(count).max(1))
}

fn fixture() -> Fixture {
    serde_json::from_slice(&std::fs::read(path("fixtures/tiny_official.json")).unwrap()).unwrap()
}

#[test]
fn ids_and_acceptance_lengths_are_the_official_ones() {
    let fixture = fixture();
    assert!(fixture.cases.len() >= 50);
    let model =
        Model::load(&gpu(Tier::Subgroup), &checkpoint(), WeightFormat::F32, &mut no_progress).unwrap();
    let mut session = model.session(512).unwrap();
    let options = GenerateOptions { max_new_tokens: fixture.max_new_tokens, ..Default::default() };
    for case in cases(&fixture) {
        let mut generation = session.generate(&case.prompt_ids, &options, &mut no_progress).unwrap();
        let ids: Vec<u32> = generation.by_ref().flat_map(|run| run.unwrap().ids).collect();
        let what = format!("{} prompt {:?}", case.family, case.prompt_ids);
        assert_eq!(ids, case.output_ids, "{what}");
        assert_eq!(generation.stats().acceptance_lengths, case.acceptance_lengths, "{what}");
    }
}

/// With one id left to draw, both views sample what they would choose greedily: a fault in how drafts are sampled, which
/// no text shows, shows here.
#[test]
fn acceptance_lengths_of_sampling_one_id_are_the_official_ones() {
    let fixture = fixture();
    let model =
        Model::load(&gpu(Tier::Subgroup), &checkpoint(), WeightFormat::F32, &mut no_progress).unwrap();
    let mut session = model.session(512).unwrap();
    for case in cases(&fixture).step_by(4) {
        for accept in [AcceptRule::Coupled, AcceptRule::Rejection] {
            let sampling = Sampling { temperature: 1.0, top_k: 1, top_p: 1.0, seed: 5, accept };
            let max_new_tokens = fixture.max_new_tokens;
            let options = GenerateOptions { max_new_tokens, sampling, ..Default::default() };
            let mut generation = session.generate(&case.prompt_ids, &options, &mut no_progress).unwrap();
            let ids: Vec<u32> = generation.by_ref().flat_map(|run| run.unwrap().ids).collect();
            assert_eq!(ids, case.output_ids, "{}, {accept:?}", case.family);
            let lengths = &generation.stats().acceptance_lengths;
            assert_eq!(lengths, &case.acceptance_lengths, "{}, {accept:?}", case.family);
        }
    }
}

#[test]
fn answers_a_person_in_both_views_and_drafts_long_runs() {
    let checkpoint = checkpoint();
    let tokenizer = checkpoint.tokenizer().unwrap().unwrap();
    let template = checkpoint.chat_template().unwrap().unwrap();
    let messages = [Message::user("What is 347 + 586?")];
    let request = ChatRequest {
        messages: &messages,
        add_generation_prompt: true,
        enable_thinking: Some(false),
        ..Default::default()
    };
    let prompt = tokenizer.encode(&template.render(&request).unwrap()).unwrap();
    for tier in tiers() {
        let model = Model::load(&gpu(tier), &checkpoint, WeightFormat::F16, &mut no_progress).unwrap();
        let mut session = model.session(256).unwrap();
        let mut answer = |view| {
            let options = GenerateOptions { max_new_tokens: 160, decoding: view, ..Default::default() };
            let mut generation = session.generate(&prompt, &options, &mut no_progress).unwrap();
            let ids: Vec<u32> = generation.by_ref().flat_map(|run| run.unwrap().ids).collect();
            (tokenizer.decode(&ids).unwrap(), generation.stats().tokens_per_cycle())
        };
        let (dual, tokens_per_cycle) = answer(Decoding::Dual);
        assert!(dual.ends_with("So 347 + 586 = 933."), "{}: {dual}", tier.name());
        assert!(tokens_per_cycle > 10.0, "{}: {tokens_per_cycle}", tier.name());
        assert_eq!(answer(Decoding::Ar), (dual, 1.0), "{}", tier.name());
    }
}
