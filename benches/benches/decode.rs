//! Tokens per second of the decode loop: dual-view decoding against AR decoding.
//!
//! The bundled model answers a prompt that it was not trained on. `ORTHRUS_MODEL` names another checkpoint.
//!
//! On GPUs, the synthetic models that `ORTHRUS_SHAPES` names are measured too. Their weights are random, so their drafts
//! are replayed: each cycle of `dual-replayed-8` accepts eight drafts.

use std::path::PathBuf;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use orthrus::loader::{ChatRequest, Checkpoint, Message};
use orthrus::{ArKernel, Decoding, GenerateOptions, Model, Replay, Session, WeightFormat, no_progress};
use orthrus_benches::{gpu, synthetic_models};

const PROMPT: &str = "What is 4821 + 3967? Show the steps.";
const BUDGET: usize = 96;

/// Acceptance lengths that are replayed.
const REPLAYED: [u32; 3] = [3, 8, 20];

fn checkpoint() -> Checkpoint {
    let bundled = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny"));
    let directory = std::env::var_os("ORTHRUS_MODEL").map_or_else(bundled, PathBuf::from);
    Checkpoint::open(directory).unwrap_or_else(|error| panic!("{error}"))
}

fn prompt(checkpoint: &Checkpoint) -> Vec<u32> {
    let messages = [Message::user(PROMPT)];
    let request = ChatRequest {
        messages: &messages,
        add_generation_prompt: true,
        enable_thinking: Some(false),
        ..Default::default()
    };
    let template = checkpoint.chat_template().ok().flatten().expect("the checkpoint has a chat template");
    let text = template.render(&request).unwrap_or_else(|error| panic!("{error}"));
    let tokenizer = checkpoint.tokenizer().ok().flatten().expect("the checkpoint has a tokenizer");
    tokenizer.encode(&text).unwrap_or_else(|error| panic!("{error}"))
}

fn generate(session: &mut Session, prompt: &[u32], options: &GenerateOptions) -> Vec<u32> {
    let generation =
        session.generate(prompt, options, &mut no_progress).unwrap_or_else(|error| panic!("{error}"));
    generation.flat_map(|run| run.unwrap_or_else(|error| panic!("{error}")).ids).collect()
}

/// Measures AR decoding with either kernel, then the options that `dual` makes from the text of AR decoding.
fn decoding(
    criterion: &mut Criterion,
    name: &str,
    model: &Model,
    prompt: &[u32],
    dual: impl Fn(&[u32]) -> Vec<(String, GenerateOptions)>,
) {
    let mut session = model.session(prompt.len() + BUDGET).unwrap_or_else(|error| panic!("{error}"));
    let ar = |kernel| GenerateOptions {
        max_new_tokens: BUDGET,
        decoding: Decoding::Ar,
        ar_kernel: kernel,
        ..Default::default()
    };
    let text = generate(&mut session, prompt, &ar(ArKernel::Exact));
    let mut modes =
        vec![("ar-exact".to_string(), ar(ArKernel::Exact)), ("ar-fast".to_string(), ar(ArKernel::Fast))];
    modes.extend(dual(&text));
    let mut group = criterion.benchmark_group(format!("decode/{name}"));
    group.sample_size(10);
    for (name, options) in modes {
        let tokens = generate(&mut session, prompt, &options).len();
        group.throughput(Throughput::Elements(tokens as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| generate(&mut session, prompt, &options));
        });
    }
    group.finish();
}

fn bench(criterion: &mut Criterion) {
    let gpu = gpu();
    let checkpoint = checkpoint();
    let ids = prompt(&checkpoint);
    for format in [WeightFormat::F16, WeightFormat::F32] {
        let model = Model::load(&gpu, &checkpoint, format, &mut no_progress)
            .unwrap_or_else(|error| panic!("{error}"));
        decoding(criterion, format.name(), &model, &ids, |_| {
            vec![("dual".to_string(), GenerateOptions { max_new_tokens: BUDGET, ..Default::default() })]
        });
    }
    for (name, model) in synthetic_models(&gpu) {
        let prompt: Vec<u32> = (0..512).map(|i| i * 37 % model.config().vocab_size as u32).collect();
        decoding(criterion, &name, &model, &prompt, |text| {
            let replayed = |length: u32| {
                let replay = Some(Replay { text: text.to_vec(), lengths: vec![length] });
                let options = GenerateOptions { max_new_tokens: BUDGET, replay, ..Default::default() };
                (format!("dual-replayed-{length}"), options)
            };
            REPLAYED.map(replayed).into()
        });
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
