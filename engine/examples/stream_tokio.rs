//! Streams an answer from a tokio task: `cargo run --release --example stream_tokio -- MODEL`.
//!
//! A multi-threaded runtime loads the model and generates the answer, because their futures are `Send`.

use futures_util::StreamExt;
use orthrus::loader::{ChatRequest, Checkpoint, Message};
use orthrus::{GenerateOptions, Generation, Gpu, GpuOptions, Model, WeightFormat, no_progress};
use tokio::sync::mpsc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Generates an answer and sends its text as it arrives. It ends early if the receiver is gone.
async fn answer(folder: String, question: String, pieces: mpsc::Sender<String>) -> Result<(), Failure> {
    let checkpoint = Checkpoint::open(&folder)?;
    let tokenizer = checkpoint.tokenizer()?.ok_or("the checkpoint has no tokenizer")?;
    let template = checkpoint.chat_template()?.ok_or("the checkpoint has no chat template")?;
    let messages = [Message::user(&question)];
    let request = ChatRequest {
        messages: &messages,
        add_generation_prompt: true,
        enable_thinking: Some(false),
        ..Default::default()
    };
    let prompt = tokenizer.encode(&template.render(&request)?)?;

    let gpu = Gpu::open_async(&GpuOptions::default()).await?;
    let model = Model::load_async(&gpu, &checkpoint, WeightFormat::F16, &mut no_progress).await?;
    let session = Box::new(model.session_async(2048).await?);
    let options = GenerateOptions::default();
    // The generation owns its session, so it needs no borrow that lasts as long.
    let started = Generation::start(session, &prompt, &options, &mut no_progress).await;
    let mut generation = started.map_err(|(_session, error)| error)?;

    let mut text = tokenizer.stream();
    let mut runs = generation.stream();
    while let Some(run) = runs.next().await {
        if pieces.send(text.push(&run?.ids)?).await.is_err() {
            return Ok(());
        }
    }
    pieces.send(text.finish()?).await.ok();
    Ok(())
}

#[tokio::main]
async fn main() {
    let folder = std::env::args().nth(1).or_else(|| std::env::var("ORTHRUS_MODEL").ok());
    let Some(folder) = folder else {
        eprintln!("error: give the folder of a checkpoint, or set ORTHRUS_MODEL");
        std::process::exit(1);
    };
    let (sender, mut pieces) = mpsc::channel(16);
    let task = tokio::spawn(answer(folder, "Sort these numbers: 7, 3, 9".to_string(), sender));
    while let Some(piece) = pieces.recv().await {
        print!("{piece}");
    }
    println!();
    let outcome = task.await.unwrap_or_else(|panic| Err(panic.into()));
    if let Err(error) = outcome {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}
