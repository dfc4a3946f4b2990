//! The results as a table for people.

use std::fmt::Write;

use indicatif::BinaryBytes;

use crate::commands::bench::results::{AtContext, DecodeFigures, Results};
use crate::commands::bench::spread::Spread;

/// The whole table.
pub(crate) fn text(results: &Results) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let mut line = |name: &str, value: String| _ = writeln!(text, "{name:<14}{value}");
    line("model", format!("{}, {} weights, block size {}", results.model, results.dtype, results.block_size));
    line("adapter", format!("{} ({}, {})", results.adapter, results.backend, results.driver));
    line("tier", results.tier.to_string());
    line("date", results.date.clone());
    line("command", results.command.clone());
    line("figures", format!("median of {} (least to most)", results.repetitions));
    line("weights", BinaryBytes(results.weight_bytes).to_string());
    line(
        "copy",
        format!("{} GB/s, read and written by a compute shader", spread(&results.copy_gb_per_second)),
    );
    line("contexts", "caches hold zeros, not a text".to_string());
    let mean = results.acceptance.lengths.iter().sum::<u32>() as f64
        / results.acceptance.lengths.len().max(1) as f64;
    if results.contexts.iter().any(|context| context.dual.is_some()) {
        line("acceptance", format!("replayed acceptance, {}: mean {mean:.1}", results.acceptance.source));
    }
    if results.synthetic {
        line(
            "texts",
            "random weights: speeds are true, texts are not; every id is a near-tie, on purpose".to_string(),
        );
    }
    for note in &results.notes {
        line("note", note.clone());
    }
    for context in &results.contexts {
        at_context(&mut text, context, results.copy_gb_per_second.median);
    }
    text
}

fn at_context(text: &mut String, figures: &AtContext, copy: f64) {
    let mut line = |line: String| _ = writeln!(text, "{line}");
    line(format!(
        "\ncontext {}: cache {}, {} beyond weights and cache",
        figures.context,
        BinaryBytes(figures.cache_bytes),
        BinaryBytes(figures.scratch_bytes)
    ));
    line(format!("  {:<30}{:>26}{:>10}{:>8}{:>10}", "pass", "ms", "GB", "GB/s", "of copy"));
    for pass in &figures.passes {
        let rows = if pass.rows == 1 { "1 row".to_string() } else { format!("{} rows", pass.rows) };
        let kernel = pass.kernel.map(|kernel| format!(", {kernel}")).unwrap_or_default();
        line(format!(
            "  {:<30}{:>26}{:>10}{:>8}{:>8.0} %",
            format!("{}, {rows}{kernel}", pass.pass),
            spread(&pass.ms),
            three_digits(pass.bytes as f64 / 1e9),
            three_digits(pass.gb_per_second),
            100.0 * pass.gb_per_second / copy
        ));
        for kernel in &pass.kernels {
            line(format!(
                "    {:<28}{:>26}  µs, {} times, {}",
                kernel.kernel,
                spread(&kernel.us),
                kernel.dispatches,
                kernel.part
            ));
        }
    }
    line(format!("  {:<30}{:>26}{:>26}", "decoding", "ms a cycle", "tokens/s") + "  in passes");
    let mut decode = |name: String, figures: &DecodeFigures, comment: String| {
        let passes =
            figures.passes_share.map(|share| format!("  {:.0} %", 100.0 * share)).unwrap_or_default();
        line(format!(
            "  {name:<30}{:>26}{:>26}{passes}{comment}",
            spread(&figures.cycle_ms),
            spread(&figures.tokens_per_second)
        ));
    };
    for ar in &figures.ar {
        let same =
            ar.same_ids.map(|same| format!("  ids as exact: {same} of {}", ar.tokens)).unwrap_or_default();
        decode(format!("AR view, {}", ar.kernel.unwrap_or("exact")), ar, same);
    }
    if let Some(dual) = &figures.dual {
        let same = match dual.same_ids {
            Some(same) if same < dual.tokens => format!("  NOT LOSSLESS: ids part after {same}"),
            _ => String::new(),
        };
        let comment = format!("  {:.2} tokens per cycle, replayed{same}", dual.tokens_per_cycle);
        decode("dual view".to_string(), dual, comment);
    }
    if let (Some(ms), Some(speed)) = (&figures.prompt_ms, &figures.prompt_tokens_per_second) {
        line(format!("  {:<30}{:>26}{:>26}", "prompt", "ms", "tokens/s"));
        line(format!(
            "  {:<30}{:>26}{:>26}",
            format!("{} tokens", figures.context),
            spread(ms),
            spread(speed)
        ));
    }
}

fn spread(spread: &Spread) -> String {
    let Spread { median, least, most } = spread;
    let digits = digits(*median);
    format!("{median:.digits$} ({least:.digits$} to {most:.digits$})")
}

fn three_digits(value: f64) -> String {
    format!("{value:.0$}", digits(value))
}

/// The decimals with which a number has about three digits.
fn digits(value: f64) -> usize {
    match value {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        value if value >= 1.0 => 2,
        value if value >= 0.1 => 3,
        _ => 4,
    }
}
