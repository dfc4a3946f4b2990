//! The measurements of `orthrus bench`: which passes, rows, contexts and cycles.

use orthrus::lab::measurements::{
    AR_KERNELS, LONGEST_PREFILL, PassCase, default_contexts, is_left_out, last_prefill_pass, pass_cases,
};
use orthrus::{ArKernel, Model};
use orthrus_loader::CheckpointViews;

use crate::args::BenchArgs;
use crate::commands::bench::acceptance::Acceptance;
use crate::commands::bench::bench_session::{BenchSession, copy_bandwidth, positions_needed};
use crate::commands::bench::results::{AtContext, KernelFigures, PassFigures, Results};
use crate::commands::bench::spread::Spread;
use crate::error::{CliError, Result};
use crate::model_source::ModelSource;
use crate::output::note;

/// Measures everything that `args` ask for.
pub(crate) fn measure(
    args: &BenchArgs,
    source: &ModelSource,
    model: &Model,
    acceptance: Acceptance,
) -> Result<Results> {
    let copy = copy_bandwidth(model.gpu(), args.repetitions)?;
    let mut results = Results::new(source, model, args.repetitions, copy, acceptance);
    let block = args.block_size.unwrap_or(model.config().block_size);
    let lengths = results.acceptance.sample(args.cycles, block);
    let longest = model.config().max_position_embeddings;
    let contexts = args.contexts.clone().unwrap_or_else(|| default_contexts(model.gpu()));
    for context in contexts {
        if context + positions_needed(&lengths, model.config().block_size) > longest {
            results.notes.push(format!("context {context} is left out: the model has {longest} positions"));
            continue;
        }
        note(format!("measuring at context {context}"));
        match at_context(args, model, &lengths, context) {
            Ok(figures) => results.contexts.push(figures),
            Err(CliError::Engine(error)) if args.contexts.is_none() && is_left_out(&error) => {
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
    let kernels = args.ar_kernel.map_or(AR_KERNELS.to_vec(), |kernel| vec![kernel]);
    let cases = pass_cases(model.config(), model.views(), &kernels);
    let mut passes = cases.into_iter().map(|case| pass(&mut bench, case)).collect::<Result<Vec<_>>>()?;
    // Dual-view decoding must give the text of exact AR decoding, which is therefore decoded first.
    let exact = bench.decode_ar(ArKernel::Exact)?;
    let mut ar = Vec::new();
    for kernel in kernels {
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
        let case = last_prefill_pass(&bench.session, context);
        passes.push(pass(&mut bench, case)?);
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

/// Measures one pass, and its kernels if the user asks for them.
fn pass(bench: &mut BenchSession<'_>, case: PassCase) -> Result<PassFigures> {
    let seconds: Spread = bench.pass(case)?;
    let bytes = bench.session.bytes_of_pass(case.pass);
    let ms = seconds.map(|s| s * 1e3);
    let kernels = if bench.args.kernels { bench.kernels(case)? } else { Vec::new() };
    let kernels = kernels.into_iter().map(|(kernel, seconds)| KernelFigures {
        kernel: kernel.name,
        part: kernel.of.name(),
        dispatches: kernel.dispatches,
        us: seconds.map(|s| s * 1e6 / kernel.dispatches as f64),
    });
    Ok(PassFigures {
        kernels: kernels.collect(),
        pass: case.name(),
        rows: case.rows,
        kernel: case.kernel().map(ArKernel::name),
        ms,
        bytes,
        gb_per_second: bytes as f64 / seconds.median / 1e9,
    })
}
