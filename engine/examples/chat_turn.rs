//! Two turns of a chat in one session. The second turn finds the first turn in the KV cache.
//! `cargo run --release --example chat_turn -- MODEL`.

use orthrus::loader::{ChatRequest, ChatTemplate, Checkpoint, Message, Tokenizer};
use orthrus::{GenerateOptions, Gpu, GpuOptions, Model, Session, WeightFormat, no_progress};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The answer to a conversation, and the number of its prompt tokens that were cached already.
fn answer(
    session: &mut Session,
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
    messages: &[Message],
) -> Result<(String, usize)> {
    let request = ChatRequest {
        messages,
        add_generation_prompt: true,
        enable_thinking: Some(false),
        ..Default::default()
    };
    let prompt = tokenizer.encode(&template.render(&request)?)?;
    let mut generation = session.generate(&prompt, &GenerateOptions::default(), &mut no_progress)?;
    let mut text = tokenizer.stream();
    let mut answer = String::new();
    for run in generation.by_ref() {
        answer += &text.push(&run?.ids)?;
    }
    answer += &text.finish()?;
    Ok((answer, generation.stats().reused_tokens))
}

fn run() -> Result<()> {
    let folder = std::env::args().nth(1).or_else(|| std::env::var("ORTHRUS_MODEL").ok());
    let checkpoint =
        Checkpoint::open(folder.ok_or("give the folder of a checkpoint, or set ORTHRUS_MODEL")?)?;
    let tokenizer = checkpoint.tokenizer()?.ok_or("the checkpoint has no tokenizer")?;
    let template = checkpoint.chat_template()?.ok_or("the checkpoint has no chat template")?;
    let gpu = Gpu::open(&GpuOptions::default())?;
    let model = Model::load(&gpu, &checkpoint, WeightFormat::F16, &mut no_progress)?;
    let mut session = model.session(2048)?;

    let mut messages = Vec::new();
    for question in ["What is 12 + 30?", "And what is 7 + 5?"] {
        messages.push(Message::user(question));
        let (text, reused) = answer(&mut session, &tokenizer, &template, &messages)?;
        println!("> {question}\n{text}\n({reused} tokens of the prompt were cached)\n");
        messages.push(Message::assistant(text));
    }
    Ok(())
}

fn main() {
    if let Err(error) = run() {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}
