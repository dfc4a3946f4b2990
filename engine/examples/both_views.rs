//! Decodes one prompt with both views, then with the AR view alone: the same ids, in fewer passes.
//! `cargo run --release --example both_views -- MODEL`.

use std::time::Instant;

use orthrus::loader::Checkpoint;
use orthrus::{Decoding, GenerateOptions, Gpu, GpuOptions, Model, WeightFormat, no_progress};

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).or_else(|| std::env::var("ORTHRUS_MODEL").ok());
    let checkpoint =
        Checkpoint::open(folder.ok_or("give the folder of a checkpoint, or set ORTHRUS_MODEL")?)?;
    let tokenizer = checkpoint.tokenizer()?.ok_or("the checkpoint has no tokenizer")?;
    let prompt = tokenizer.encode("Count from 1 to 20: 1, 2, 3,")?;
    let gpu = Gpu::open(&GpuOptions::default())?;
    let model = Model::load(&gpu, &checkpoint, WeightFormat::F16, &mut no_progress)?;

    let mut texts = Vec::new();
    for decoding in [Decoding::Dual, Decoding::Ar] {
        let options = GenerateOptions { decoding, max_new_tokens: 64, ..Default::default() };
        let mut session = model.session(prompt.len() + 64)?;
        let started = Instant::now();
        let mut generation = session.generate(&prompt, &options, &mut no_progress)?;
        let mut ids = Vec::new();
        for run in generation.by_ref() {
            ids.extend(run?.ids);
        }
        let (stats, time) = (generation.stats(), started.elapsed());
        let name = decoding.name();
        println!("{name:>4}: {} tokens in {} passes, {time:.2?}", ids.len(), stats.forward_passes);
        texts.push(ids);
    }
    let verdict = if texts[0] == texts[1] { "the same ids" } else { "different ids: a bug" };
    println!("{verdict}");
    if texts[0] == texts[1] { Ok(()) } else { Err("the views disagree".into()) }
}

fn main() {
    if let Err(error) = run() {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}
