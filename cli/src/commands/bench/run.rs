//! `orthrus bench`: what a model costs on this machine.
//!
//! Everything is measured in one run: the passes by themselves, whole cycles and steps of AR decoding through the
//! real decode loop, prompts, and beside them what the GPU can copy, which is the ceiling of all of it.

use std::path::Path;

use orthrus::lab::MeasuredPass;
use orthrus::{ArKernel, Error, Model};
use orthrus_loader::{CheckpointViews, Config};

use super::acceptance::Acceptance;
use super::measure::{self, Bench, Spread};
use super::results::{AtContext, KernelFigures, PassFigures, Results};
use super::{svg, table};
use crate::args::BenchArgs;
use crate::error::{CliError, Result};
use crate::model_source::Source;
use crate::output::{note, show};

/// What is measured unless asked otherwise.
const CONTEXTS: [usize; 3] = [512, 8192, 40_000];

/// The longest prompt measured: a longer one takes minutes on many machines.
const LONGEST_PROMPT: usize = 8192;

/// Rows of the blocks measured, as far as the model has them.
const BLOCKS: [usize; 3] = [8, 16, 32];

/// Bytes copied to find the ceiling: more than any cache holds, and less where a processor copies.
const COPIED: u64 = 512 << 20;
const COPIED_BY_SOFTWARE: u64 = 32 << 20;

/// Measures the model that `args` name.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    let source = Source::open(args.model.model.as_deref())?;
    let config = source.config();
    if let Some(asked) = args.block_size.filter(|asked| *asked > config.block_size) {
        return Err(Error::BlockSize { asked, most: config.block_size }.into());
    }
    let replayed = args.replay.as_deref().map(Acceptance::of_file).transpose()?;
    if args.json.is_some() && args.json == args.svg {
        return Err(CliError::usage("--json and --svg name one file: give two"));
    }
    for file in [&args.json, &args.svg].into_iter().flatten() {
        check_writable(file)?;
    }
    check_contexts(args, config)?;
    let model = source.model(&args.model)?;
    let acceptance = match (replayed, source.checkpoint()) {
        (Some(acceptance), _) => acceptance,
        (None, Some(checkpoint)) => Acceptance::of_model(checkpoint, &model)?,
        (None, None) => Acceptance::built_in(),
    };
    let results = measure(args, &source, &model, acceptance)?;
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

fn measure(args: &BenchArgs, source: &Source, model: &Model, acceptance: Acceptance) -> Result<Results> {
    let software = model.gpu().adapter().is_software();
    let bytes = if software { COPIED_BY_SOFTWARE } else { COPIED };
    let copy = measure::copy_bandwidth(model.gpu(), bytes, args.repetitions)?;
    let mut results = Results::new(source, model, args.repetitions, copy, acceptance)?;
    let block = args.block_size.unwrap_or(model.config().block_size);
    let lengths = results.acceptance.sample(args.cycles, block);
    let longest = model.config().max_position_embeddings;
    let usual = CONTEXTS.into_iter().filter(|context| !software || *context == CONTEXTS[0]).collect();
    for context in args.contexts.clone().unwrap_or(usual) {
        if context + measure::room(&lengths, model.config().block_size) > longest {
            results.notes.push(format!("context {context} is left out: the model has {longest} positions"));
            continue;
        }
        note(format!("measuring at context {context}"));
        match at_context(args, model, &lengths, context) {
            Ok(figures) => results.contexts.push(figures),
            Err(CliError::Engine(error @ (Error::OutOfMemory { .. } | Error::TooLarge { .. })))
                if args.contexts.is_none() =>
            {
                results.notes.push(format!("context {context} is left out: {error}"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(results)
}

fn at_context(args: &BenchArgs, model: &Model, lengths: &[u32], context: usize) -> Result<AtContext> {
    let mut bench = Bench::new(model, context, lengths, args)?;
    let dual = model.views() == CheckpointViews::Dual;
    let mut passes = Vec::new();
    for kernel in kernels(args) {
        passes.push(pass(&mut bench, MeasuredPass::Verify(kernel), 1)?);
    }
    for rows in BLOCKS.into_iter().filter(|rows| dual && *rows <= model.config().block_size) {
        passes.push(pass(&mut bench, MeasuredPass::Verify(ArKernel::Exact), rows)?);
    }
    for rows in BLOCKS.into_iter().filter(|rows| dual && *rows <= model.config().block_size) {
        passes.push(pass(&mut bench, MeasuredPass::Draft, rows)?);
    }
    // The exact kernels' text is what the dual view's cycles are to give.
    let exact = bench.decode_ar(ArKernel::Exact)?;
    let mut ar = Vec::new();
    for kernel in kernels(args) {
        let mut figures = match kernel {
            ArKernel::Exact => exact.figures(),
            ArKernel::Fast => bench.decode_ar(kernel)?.figures_beside(&exact),
        };
        figures.kernel = Some(kernel.name());
        let step = passes.iter().find(|pass| pass.kernel == figures.kernel);
        figures.passes_share = step.map(|pass| pass.ms.median / figures.cycle_ms.median);
        ar.push(figures);
    }
    let dual = match dual {
        false => None,
        true => {
            let mut figures = bench.decode_dual(&exact.ids)?.figures_beside(&exact);
            let block = args.block_size.unwrap_or(model.config().block_size);
            let of = |name: &str| passes.iter().find(|pass| pass.pass == name && pass.rows == block);
            let both =
                of("draft").zip(of("verify")).map(|(draft, verify)| draft.ms.median + verify.ms.median);
            figures.passes_share = both.map(|ms| ms / figures.cycle_ms.median);
            Some(figures)
        }
    };
    // Last, as prompts leave more than zeros in the cache.
    let prompt = if context <= LONGEST_PROMPT { Some(bench.prompt()?) } else { None };
    if args.kernels && prompt.is_some() {
        let rows = bench.rows_of_prompt();
        passes.push(pass(&mut bench, MeasuredPass::Prefill, rows)?);
    }
    let sizes = bench.session.sizes();
    Ok(AtContext {
        context,
        passes,
        ar,
        dual,
        prompt_ms: prompt.map(|seconds| seconds.map(|s| s * 1e3)),
        prompt_tokens_per_second: prompt.map(|seconds| seconds.map(|s| context as f64 / s)),
        cache_bytes: sizes.cache_bytes(),
        scratch_bytes: sizes.scratch_bytes() + sizes.rope_bytes(),
    })
}

/// The one-row kernels to measure.
fn kernels(args: &BenchArgs) -> Vec<ArKernel> {
    match args.ar_kernel {
        Some(kernel) => vec![kernel],
        None => vec![ArKernel::Exact, ArKernel::Fast],
    }
}

fn pass(bench: &mut Bench<'_>, pass: MeasuredPass, rows: usize) -> Result<PassFigures> {
    let seconds: Spread = bench.pass(pass, rows)?;
    let (name, kernel) = match pass {
        MeasuredPass::Verify(kernel) if rows == 1 => ("AR", Some(kernel.name())),
        MeasuredPass::Verify(_) => ("verify", None),
        MeasuredPass::Draft => ("draft", None),
        MeasuredPass::Prefill => ("prompt", None),
    };
    let bytes = bench.session.bytes_of_pass(pass);
    let ms = seconds.map(|s| s * 1e3);
    let kernels = if bench.args.kernels { bench.kernels(pass, rows)? } else { Vec::new() };
    let kernels = kernels.into_iter().map(|(kernel, seconds)| KernelFigures {
        kernel: kernel.name,
        part: kernel.of.name(),
        dispatches: kernel.dispatches,
        us: seconds.map(|s| s * 1e6 / kernel.dispatches as f64),
    });
    Ok(PassFigures {
        kernels: kernels.collect(),
        pass: name,
        rows,
        kernel,
        ms,
        bytes,
        gb_per_second: bytes as f64 / seconds.median / 1e9,
    })
}
