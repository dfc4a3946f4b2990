//! The measurements of `orthrus bench`: which passes, rows, contexts and cycles.

use orthrus::lab::MeasuredPass;
use orthrus::{ArKernel, Error, Model};
use orthrus_loader::CheckpointViews;

use crate::args::BenchArgs;
use crate::commands::bench::acceptance::Acceptance;
use crate::commands::bench::bench_session::{BenchSession, copy_bandwidth, positions_needed};
use crate::commands::bench::results::{AtContext, KernelFigures, PassFigures, Results};
use crate::commands::bench::spread::Spread;
use crate::error::{CliError, Result};
use crate::model_source::ModelSource;
use crate::output::note;

/// The default contexts.
const CONTEXTS: [usize; 3] = [512, 8192, 40_000];

/// The longest context at which prefill is measured. A longer prefill takes minutes on many machines.
const LONGEST_PREFILL: usize = 8192;

/// The rows of verify and draft passes, as far as the block size allows.
const BLOCK_ROWS: [usize; 3] = [8, 16, 32];

/// The bytes copied to measure memory bandwidth: more than the caches of a GPU hold.
const COPIED: u64 = 512 << 20;
/// The bytes that a software adapter copies, which is slower.
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
    let copy = copy_bandwidth(model.gpu(), bytes, args.repetitions)?;
    let mut results = Results::new(source, model, args.repetitions, copy, acceptance);
    let block = args.block_size.unwrap_or(model.config().block_size);
    let lengths = results.acceptance.sample(args.cycles, block);
    let longest = model.config().max_position_embeddings;
    let usual = CONTEXTS.into_iter().filter(|context| !software || *context == CONTEXTS[0]).collect();
    for context in args.contexts.clone().unwrap_or(usual) {
        if context + positions_needed(&lengths, model.config().block_size) > longest {
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

/// Measures everything at one context.
fn at_context(args: &BenchArgs, model: &Model, lengths: &[u32], context: usize) -> Result<AtContext> {
    let mut bench = BenchSession::new(model, context, lengths, args)?;
    let dual = model.views() == CheckpointViews::Dual;
    let mut passes = Vec::new();
    for kernel in ar_kernels(args) {
        passes.push(pass(&mut bench, MeasuredPass::Verify(kernel), 1)?);
    }
    for rows in BLOCK_ROWS.into_iter().filter(|rows| dual && *rows <= model.config().block_size) {
        passes.push(pass(&mut bench, MeasuredPass::Verify(ArKernel::Exact), rows)?);
    }
    for rows in BLOCK_ROWS.into_iter().filter(|rows| dual && *rows <= model.config().block_size) {
        passes.push(pass(&mut bench, MeasuredPass::Draft, rows)?);
    }
    // Dual-view decoding must give the text of exact AR decoding, which is therefore decoded first.
    let exact = bench.decode_ar(ArKernel::Exact)?;
    let mut ar = Vec::new();
    for kernel in ar_kernels(args) {
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
    // Prefill comes last, because it fills the KV cache with more than zeros.
    let prefill = if context <= LONGEST_PREFILL { Some(bench.prefill()?) } else { None };
    if args.kernels && prefill.is_some() {
        let rows = bench.rows_of_last_prefill_pass();
        passes.push(pass(&mut bench, MeasuredPass::Prefill, rows)?);
    }
    let sizes = bench.session.sizes();
    Ok(AtContext {
        context,
        passes,
        ar,
        dual,
        prompt_ms: prefill.map(|seconds| seconds.map(|s| s * 1e3)),
        prompt_tokens_per_second: prefill.map(|seconds| seconds.map(|s| context as f64 / s)),
        cache_bytes: sizes.cache_bytes(),
        scratch_bytes: sizes.scratch_bytes() + sizes.rope_bytes(),
    })
}

/// The kernels of AR decoding to measure.
fn ar_kernels(args: &BenchArgs) -> Vec<ArKernel> {
    match args.ar_kernel {
        Some(kernel) => vec![kernel],
        None => vec![ArKernel::Exact, ArKernel::Fast],
    }
}

/// Measures one pass, and its kernels if the user asks for them.
fn pass(bench: &mut BenchSession<'_>, pass: MeasuredPass, rows: usize) -> Result<PassFigures> {
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
