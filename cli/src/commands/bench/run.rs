//! The command itself: checks its arguments, measures, and writes the results.

use std::path::Path;

use orthrus::GenerateOptions;
use orthrus_loader::Config;

use crate::args::BenchArgs;
use crate::commands::bench::acceptance::Acceptance;
use crate::commands::bench::bench_session::positions_needed;
use crate::commands::bench::results::Results;
use crate::commands::bench::suite;
use crate::commands::bench::svg;
use crate::commands::bench::table;
use crate::decode_options;
use crate::error::{CliError, Result};
use crate::model_source::ModelSource;
use crate::output::{note, show};

/// Measures the model that `args` name, and shows and writes the results.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    let source = ModelSource::open(args.model.model.as_deref())?;
    let config = source.config();
    let decoding = decode_options::default_decoding(source.views());
    let options = GenerateOptions { decoding, block_size: args.block_size, ..Default::default() };
    options.check_model(config, source.views())?;
    let replayed = args.replay.as_deref().map(Acceptance::from_file).transpose()?;
    if args.json.is_some() && args.json == args.svg {
        return Err(CliError::usage("--json and --svg name the same file: give two files"));
    }
    for file in [&args.json, &args.svg].into_iter().flatten() {
        check_writable(file)?;
    }
    check_contexts(args, config)?;
    let model = source.load(&args.model)?;
    let acceptance = match (replayed, source.checkpoint()) {
        (Some(acceptance), _) => acceptance,
        (None, Some(checkpoint)) => Acceptance::from_model(checkpoint, &model)?,
        (None, None) => Acceptance::of_bundled_model(),
    };
    let results = suite::measure(args, &source, &model, acceptance)?;
    // The table is shown even if a file cannot be written.
    let written = write_files(args, &results);
    show(&table::text(&results))?;
    written
}

fn write_files(args: &BenchArgs, results: &Results) -> Result<()> {
    if let Some(file) = &args.json {
        let text = serde_json::to_string_pretty(results)
            .map_err(|error| CliError::Io { what: "writing JSON", source: error.into() })?;
        write(file, &text)?;
    }
    if let Some(file) = &args.svg {
        write(file, &svg::draw(results))?;
    }
    Ok(())
}

/// Checks that the contexts that the user asks for fit the model. Default contexts that do not fit are left out later.
fn check_contexts(args: &BenchArgs, config: &Config) -> Result<()> {
    let longest = config.max_position_embeddings;
    if args.cycles > longest {
        return Err(CliError::usage(format!(
            "--cycles {} is more than the {longest} positions of this model",
            args.cycles
        )));
    }
    // The room that cycles need if each of them accepts all drafts.
    let room = positions_needed(&vec![config.block_size as u32 - 1; args.cycles], config.block_size);
    let contexts = args.contexts.as_deref().unwrap_or_default();
    match contexts.iter().find(|context| context.saturating_add(room) > longest) {
        Some(context) => Err(CliError::usage(format!(
            "a context of {context} and up to {room} positions after it are more than the {longest} of this model: \
             give smaller --contexts or fewer --cycles"
        ))),
        None => Ok(()),
    }
}

/// Checks before the measurements that a file can be written. Its contents stay.
fn check_writable(file: &Path) -> Result<()> {
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(file);
    opened.map(drop).map_err(|source| CliError::Io { what: "opening the file for the results", source })
}

fn write(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text).map_err(|source| CliError::Io { what: "writing the results", source })?;
    note(format!("written: {}", file.display()));
    Ok(())
}
