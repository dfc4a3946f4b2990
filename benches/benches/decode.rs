//! The dual view against the AR baseline: the same prompt, the same model, the same kernels, tokens per second.
//!
//! `ORTHRUS_MODEL` names the checkpoint; by default the bundled model, whose prompt is one it was not trained on.

use std::path::PathBuf;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use orthrus::loader::{ChatRequest, Checkpoint, Message};
use orthrus::{GenerateOptions, Model, Session, View, WeightFormat, no_progress};
use orthrus_benches::gpu;

const PROMPT: &str = "What is 4821 + 3967? Show the steps.";
const BUDGET: usize = 96;

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

fn generate(session: &mut Session, prompt: &[u32], view: View) -> usize {
    let options = GenerateOptions { max_new_tokens: BUDGET, view, ..Default::default() };
    let generation =
        session.generate(prompt, &options, &mut no_progress).unwrap_or_else(|error| panic!("{error}"));
    generation.map(|run| run.map_or_else(|error| panic!("{error}"), |run| run.ids.len())).sum()
}

fn bench(criterion: &mut Criterion) {
    let gpu = gpu();
    let checkpoint = checkpoint();
    let prompt = prompt(&checkpoint);
    for format in [WeightFormat::F16, WeightFormat::F32] {
        let model = Model::load(&gpu, &checkpoint, format, &mut no_progress)
            .unwrap_or_else(|error| panic!("{error}"));
        let mut session = model.session(prompt.len() + BUDGET).unwrap_or_else(|error| panic!("{error}"));
        let mut group = criterion.benchmark_group(format!("decode/{}", format.name()));
        group.sample_size(10);
        for view in [View::Ar, View::Dual] {
            let tokens = generate(&mut session, &prompt, view);
            group.throughput(Throughput::Elements(tokens as u64));
            group.bench_function(BenchmarkId::from_parameter(view.name()), |bencher| {
                bencher.iter(|| generate(&mut session, &prompt, view));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
