//! Generates an answer and prints it as it arrives: `cargo run --release --example generate -- MODEL [PROMPT]`.
//!
//! MODEL is a checkpoint's folder. The default is `ORTHRUS_MODEL`.

use std::io::Write;

use orthrus::loader::{ChatRequest, Checkpoint, Message};
use orthrus::{GenerateOptions, Gpu, GpuOptions, Model, WeightFormat, no_progress};

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().or_else(|| std::env::var("ORTHRUS_MODEL").ok());
    let folder = folder.ok_or("give the folder of a checkpoint, or set ORTHRUS_MODEL")?;
    let prompt = arguments.next().unwrap_or_else(|| "Sort these numbers: 7, 3, 9".to_string());

    // Text to ids.
    let checkpoint = Checkpoint::open(&folder)?;
    let tokenizer = checkpoint.tokenizer()?.ok_or("the checkpoint has no tokenizer")?;
    let template = checkpoint.chat_template()?.ok_or("the checkpoint has no chat template")?;
    let messages = [Message::user(&prompt)];
    let request = ChatRequest {
        messages: &messages,
        add_generation_prompt: true,
        enable_thinking: Some(false),
        ..Default::default()
    };
    let ids = tokenizer.encode(&template.render(&request)?)?;

    // Ids to an answer. Each run has the tokens that became certain together.
    let gpu = Gpu::open(&GpuOptions::default())?;
    let model = Model::load(&gpu, &checkpoint, WeightFormat::F16, &mut no_progress)?;
    let mut session = model.session(2048)?;
    let mut generation = session.generate(&ids, &GenerateOptions::default(), &mut no_progress)?;
    let mut text = tokenizer.stream();
    for run in generation.by_ref() {
        print!("{}", text.push(&run?.ids)?);
        std::io::stdout().flush()?;
    }
    println!("{}", text.finish()?);
    let stats = generation.stats();
    println!("{} tokens in {} cycles", stats.new_tokens, stats.cycles());
    Ok(())
}

fn main() {
    if let Err(error) = run() {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}
