//! `orthrus bench`: what a model costs on this machine.
//!
//! Everything is measured in one run: the passes by themselves, whole cycles and steps of AR decoding through the
//! real decode loop, prompts, and beside them what the GPU can copy, which is the ceiling of all of it.

use std::path::Path;

use orthrus::GenerateOptions;
use orthrus_loader::Config;

use crate::args::BenchArgs;
use crate::commands::bench::acceptance::Acceptance;
use crate::commands::bench::results::Results;
use crate::commands::bench::{measure, suite, svg, table};
use crate::decode_options;
use crate::error::{CliError, Result};
use crate::model_source::ModelSource;
use crate::output::{note, show};

/// Measures the model that `args` name.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    let source = ModelSource::open(args.model.model.as_deref())?;
    let config = source.config();
    let decoding = decode_options::default_decoding(source.views());
    let options = GenerateOptions { decoding, block_size: args.block_size, ..Default::default() };
    decode_options::check_without_prompt(&options, config, source.views())?;
    let replayed = args.replay.as_deref().map(Acceptance::of_file).transpose()?;
    if args.json.is_some() && args.json == args.svg {
        return Err(CliError::usage("--json and --svg name one file: give two"));
    }
    for file in [&args.json, &args.svg].into_iter().flatten() {
        check_writable(file)?;
    }
    check_contexts(args, config)?;
    let model = source.load(&args.model)?;
    let acceptance = match (replayed, source.checkpoint()) {
        (Some(acceptance), _) => acceptance,
        (None, Some(checkpoint)) => Acceptance::of_model(checkpoint, &model)?,
        (None, None) => Acceptance::built_in(),
    };
    let results = suite::measure(args, &source, &model, acceptance)?;
    // What cannot be written is not to take the rest along.
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

/// Contexts asked for must fit the model. (Those that are not asked for are left out where they do not.)
fn check_contexts(args: &BenchArgs, config: &Config) -> Result<()> {
    let longest = config.max_position_embeddings;
    if args.cycles > longest {
        return Err(CliError::usage(format!(
            "{} --cycles are more than the {longest} positions of this model",
            args.cycles
        )));
    }
    // Where every cycle accepts all that it drafts.
    let room = measure::room(&vec![config.block_size as u32 - 1; args.cycles], config.block_size);
    let contexts = args.contexts.as_deref().unwrap_or_default();
    match contexts.iter().find(|context| context.saturating_add(room) > longest) {
        Some(context) => Err(CliError::usage(format!(
            "a context of {context} and up to {room} positions after it are more than the {longest} of this model: \
             give smaller --contexts or fewer --cycles"
        ))),
        None => Ok(()),
    }
}

/// A long run should not end in a file that cannot be written. What the file holds stays.
fn check_writable(file: &Path) -> Result<()> {
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(file);
    opened.map(drop).map_err(|source| CliError::Io { what: "opening the file for the results", source })
}

fn write(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text).map_err(|source| CliError::Io { what: "writing the results", source })?;
    note(format!("written: {}", file.display()));
    Ok(())
}
