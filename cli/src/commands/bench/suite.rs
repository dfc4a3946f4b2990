//! What `orthrus bench` measures: which passes, rows, contexts and cycles.

use orthrus::lab::MeasuredPass;
use orthrus::{ArKernel, Error, Model};
use orthrus_loader::CheckpointViews;

use crate::args::BenchArgs;
use crate::commands::bench::acceptance::Acceptance;
use crate::commands::bench::measure::{self, Bench};
use crate::commands::bench::results::{AtContext, KernelFigures, PassFigures, Results};
use crate::commands::bench::spread::Spread;
use crate::error::{CliError, Result};
use crate::model_source::ModelSource;
use crate::output::note;

/// What is measured unless asked otherwise.
const CONTEXTS: [usize; 3] = [512, 8192, 40_000];

/// The longest prompt measured: a longer one takes minutes on many machines.
const LONGEST_PROMPT: usize = 8192;

/// Rows of the blocks measured, as far as the model has them.
const BLOCKS: [usize; 3] = [8, 16, 32];

/// Bytes copied to find the ceiling: more than any cache holds, and less where a processor copies.
const COPIED: u64 = 512 << 20;
const COPIED_BY_SOFTWARE: u64 = 32 << 20;

/// Measures everything that `args` ask for.
pub(crate) fn measure(
    args: &BenchArgs,
    source: &ModelSource,
    model: &Model,
    acceptance: Acceptance,
) -> Result<Results> {
    let software = model.gpu().adapter().is_software();
    let bytes = if software { COPIED_BY_SOFTWARE } else { COPIED };
    let copy = measure::copy_bandwidth(model.gpu(), bytes, args.repetitions)?;
    let mut results = Results::new(source, model, args.repetitions, copy, acceptance);
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
