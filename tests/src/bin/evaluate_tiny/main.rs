//! What the bundled model can do and how well it drafts, measured with the engine.
//!
//! ```text
//! cargo run --release -p orthrus-tests --bin evaluate_tiny -- measure      # all held-out prompts, f32 and f16
//! cargo run --release -p orthrus-tests --bin evaluate_tiny -- measure --per-family 2 --tier baseline
//! cargo run --release -p orthrus-tests --bin evaluate_tiny -- picture      # the histograms as SVG
//! ```
//!
//! `measure` answers every prompt greedily in both views and writes `results.json`, `results.md` and, for reading,
//! `answers.jsonl`. It fails if the two views ever differ.

mod figures;
mod measure;
mod picture;
mod report;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};
use orthrus::{Tier, WeightFormat};

/// Errors for the person at the keyboard.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Measures the bundled model with the engine.
#[derive(Parser)]
#[command(name = "evaluate_tiny")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer the held-out prompts in both views; write accuracy, tokens per cycle and histograms.
    Measure(MeasureArgs),
    /// Draw the acceptance by position from `results.json`.
    Picture {
        /// What `measure` wrote.
        #[arg(long, default_value = "models/tiny/results/results.json")]
        results: PathBuf,
        /// The SVG to write.
        #[arg(long, default_value = "models/tiny/results/acceptance.svg")]
        out: PathBuf,
    },
}

/// What to measure, and where.
#[derive(clap::Args)]
pub(crate) struct MeasureArgs {
    /// Checkpoint directory.
    #[arg(long, default_value = "models/tiny")]
    model: PathBuf,
    /// Held-out prompts, one JSON object a line: family, task, messages, expected.
    #[arg(long, default_value = "models/tiny/recipe/eval_prompts.jsonl")]
    prompts: PathBuf,
    /// Only the first N prompts of each family.
    #[arg(long, value_name = "N")]
    per_family: Option<usize>,
    /// Most tokens of an answer.
    #[arg(long, value_name = "N", default_value_t = 512)]
    max_new_tokens: usize,
    /// How weights are stored; by default each way in turn.
    #[arg(long, value_name = "TYPE", value_delimiter = ',', value_parser = named(WeightFormat::ALL, WeightFormat::name))]
    dtype: Vec<WeightFormat>,
    /// Kernels to use; by default those that `orthrus` uses on the adapter.
    #[arg(long, value_name = "NAME", value_parser = named(Tier::ALL, Tier::name))]
    tier: Option<Tier>,
    /// Adapter to use: its number or part of its name.
    #[arg(long, value_name = "NAME")]
    adapter: Option<String>,
    /// Folder for the results.
    #[arg(long, default_value = "models/tiny/results")]
    out: PathBuf,
}

/// A parser for one of `all`, by name.
fn named<T, const N: usize>(all: [T; N], name: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    PossibleValuesParser::new(all.map(name))
        .try_map(move |text| all.into_iter().find(|&one| name(one) == text).ok_or("no such value"))
}

/// Reads a file, and says which one where that fails.
pub(crate) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Writes a file, and says which one where that fails.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    eprintln!("wrote {}", path.display());
    Ok(())
}

fn run(args: Args) -> Result<()> {
    match args.command {
        Command::Measure(args) => measure::measure(&args),
        Command::Picture { results, out } => {
            let results = serde_json::from_str(&read(&results)?)
                .map_err(|error| format!("{} is not what `measure` writes: {error}", results.display()))?;
            write(&out, &picture::draw(&results))
        }
    }
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
