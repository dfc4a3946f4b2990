//! Tokens per second of the decode loop: dual-view decoding against AR decoding.
//!
//! The bundled model answers a prompt that it was not trained on. `ORTHRUS_MODEL` names another checkpoint.
//!
//! On GPUs, the synthetic models that `ORTHRUS_SHAPES` names are measured too. Their weights are random, so their drafts
//! are replayed: each cycle of `dual-replayed-8` accepts eight drafts. Their KV caches hold zeros, as in `orthrus bench`.

use std::path::PathBuf;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use orthrus::lab::measurements::{
    AR_KERNELS, CONTEXTS, ar_options, replay_options, session_at, tokens_of_cycles,
};
use orthrus::loader::{ChatRequest, Checkpoint, Message};
use orthrus::{ArKernel, Decoding, GenerateOptions, Model, Session, WeightFormat, no_progress};
use orthrus_benches::{gpu, synthetic_models};

const PROMPT: &str = "What is 4821 + 3967? Show the steps.";

/// The tokens of AR decoding. Dual-view decoding gives as many, or whole cycles of a replay that give fewer.
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

/// A way to decode, with its name.
struct Mode {
    name: String,
    options: GenerateOptions,
    /// The cycles after which decoding stops. `None`: it stops at the end of the text.
    cycles: Option<usize>,
}

impl Mode {
    fn ar(kernel: ArKernel) -> Mode {
        let name = format!("ar-{}", kernel.name());
        Mode { name, options: ar_options(BUDGET, kernel), cycles: None }
    }

    /// Replays cycles that each accept `length` drafts. Exact AR decoding gave `text`.
    fn replayed(text: &[u32], length: u32, block: usize) -> Mode {
        let accepted = length.min(block as u32 - 1);
        let cycles = (text.len() - 1) / (accepted as usize + 1);
        let lengths = vec![accepted; cycles];
        let text = &text[..tokens_of_cycles(&lengths)];
        let options = replay_options(text, &lengths, block);
        Mode { name: format!("dual-replayed-{length}"), options, cycles: Some(cycles) }
    }

    /// The new ids after `prompt`.
    fn generate(&self, session: &mut Session, prompt: &[u32]) -> Vec<u32> {
        let mut generation = session
            .generate(prompt, &self.options, &mut no_progress)
            .unwrap_or_else(|error| panic!("{error}"));
        let mut ids = Vec::new();
        while let Some(run) = generation.next() {
            ids.extend(run.unwrap_or_else(|error| panic!("{error}")).ids);
            if self.cycles == Some(generation.stats().cycles()) {
                break;
            }
        }
        ids
    }
}

fn measure(criterion: &mut Criterion, name: &str, session: &mut Session, prompt: &[u32], modes: &[Mode]) {
    let mut group = criterion.benchmark_group(format!("decode/{name}"));
    group.sample_size(10);
    for mode in modes {
        let tokens = mode.generate(session, prompt).len();
        group.throughput(Throughput::Elements(tokens as u64));
        group.bench_function(BenchmarkId::from_parameter(&mode.name), |bencher| {
            bencher.iter(|| mode.generate(session, prompt));
        });
    }
    group.finish();
}

/// Measures both views of a checkpoint, which answers a prompt up to its own end.
fn answers(criterion: &mut Criterion, name: &str, model: &Model, prompt: &[u32]) {
    let mut session = model.session(prompt.len() + BUDGET).unwrap_or_else(|error| panic!("{error}"));
    let mut modes: Vec<Mode> = AR_KERNELS.map(Mode::ar).into();
    let options = GenerateOptions { decoding: Decoding::Dual, ..ar_options(BUDGET, ArKernel::Exact) };
    modes.push(Mode { name: "dual".to_string(), options, cycles: None });
    for mode in &mut modes {
        mode.options.end_ids = None;
    }
    measure(criterion, name, &mut session, prompt, &modes);
}

/// Measures both views of a synthetic model. Dual-view decoding replays the text of AR decoding.
fn replays(criterion: &mut Criterion, name: &str, model: &Model) {
    let block = model.config().block_size;
    let mut session =
        session_at(model, CONTEXTS[0], BUDGET + block).unwrap_or_else(|error| panic!("{error}"));
    let prompt = session.text().to_vec();
    let text = Mode::ar(ArKernel::Exact).generate(&mut session, &prompt);
    let ar = AR_KERNELS.map(Mode::ar).into_iter();
    let modes: Vec<Mode> = ar.chain(REPLAYED.map(|length| Mode::replayed(&text, length, block))).collect();
    measure(criterion, name, &mut session, &prompt, &modes);
}

fn bench(criterion: &mut Criterion) {
    let gpu = gpu();
    let checkpoint = checkpoint();
    let ids = prompt(&checkpoint);
    for format in [WeightFormat::F16, WeightFormat::F32] {
        let model = Model::load(&gpu, &checkpoint, format, &mut no_progress)
            .unwrap_or_else(|error| panic!("{error}"));
        answers(criterion, format.name(), &model, &ids);
    }
    for (name, model) in synthetic_models(&gpu) {
        replays(criterion, &name, &model);
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
