//! The statistics of an answer: a line for people, and a JSON object for programs.

use std::time::Duration;

use orthrus::{GenerateOptions, Gpu, Sampling, WeightFormat};
use serde::Serialize;

use crate::answer::Answer;

/// The line of statistics. Its numbers add up: accepted drafts beyond the end of the text are not counted.
pub(crate) fn statistics_line(answer: &Answer) -> String {
    let stats = &answer.stats;
    let (tokens, cycles, passes) = (stats.new_tokens, stats.cycles(), stats.forward_passes);
    // Prefill gives the first token.
    let of_cycles = tokens.saturating_sub(1);
    let mut line = format!("{}: 1 from the prompt", counted(tokens, "token", "tokens"));
    if cycles > 0 {
        line += &format!(
            ", {of_cycles} from {} ({:.2} a cycle); {:.1} tokens/s",
            counted(cycles, "cycle", "cycles"),
            of_cycles as f64 / cycles as f64,
            answer.tokens_per_second()
        );
    }
    line + &format!(
        ", TPF {:.2} ({}), first token after {}",
        stats.tpf(),
        counted(passes, "pass", "passes"),
        time(answer.prefill)
    )
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1e3) } else { format!("{seconds:.1} s") }
}

/// Milliseconds, to the microsecond.
fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}

/// The object that `generate --json` prints.
#[derive(Serialize, Debug)]
pub(crate) struct AnswerJson<'a> {
    prompt_ids: &'a [u32],
    output_ids: &'a [u32],
    /// `None`: the checkpoint has no tokenizer.
    text: Option<&'a str>,
    /// `None`: the answer was stopped. `generate` stops none.
    finish_reason: Option<&'static str>,
    view: &'static str,
    dtype: &'static str,
    tier: &'static str,
    adapter: &'a str,
    /// `None`: the answer is greedy, and the field is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    sampling: Option<JsonSampling>,
    stats: JsonStats<'a>,
}

/// The options that draw the same answer again.
#[derive(Serialize, Debug)]
struct JsonSampling {
    temperature: f32,
    top_k: u32,
    top_p: f32,
    seed: u64,
    accept: &'static str,
}

impl JsonSampling {
    fn new(sampling: &Sampling) -> Option<JsonSampling> {
        let Sampling { temperature, top_k, top_p, seed, accept } = *sampling;
        let object = || JsonSampling { temperature, top_k, top_p, seed, accept: accept.name() };
        (!sampling.is_greedy()).then(object)
    }
}

#[derive(Serialize, Debug)]
struct JsonStats<'a> {
    cycles: usize,
    forward_passes: usize,
    acceptance_lengths: &'a [usize],
    tokens_per_cycle: f64,
    tpf: f64,
    prefill_ms: f64,
    decode_ms: f64,
    tokens_per_second: f64,
}

impl<'a> AnswerJson<'a> {
    /// The object for an answer to `prompt_ids`. `has_text`: the checkpoint has a tokenizer.
    pub(crate) fn new(
        prompt_ids: &'a [u32],
        answer: &'a Answer,
        has_text: bool,
        options: &GenerateOptions,
        dtype: WeightFormat,
        gpu: &'a Gpu,
    ) -> AnswerJson<'a> {
        let stats = &answer.stats;
        AnswerJson {
            prompt_ids,
            output_ids: &answer.ids,
            text: has_text.then_some(&answer.text),
            finish_reason: answer.finish.map(|reason| reason.name()),
            view: options.decoding.name(),
            dtype: dtype.name(),
            tier: gpu.tier().name(),
            adapter: &gpu.adapter().name,
            sampling: JsonSampling::new(&options.sampling),
            stats: JsonStats {
                cycles: stats.cycles(),
                forward_passes: stats.forward_passes,
                acceptance_lengths: &stats.acceptance_lengths,
                tokens_per_cycle: stats.tokens_per_cycle(),
                tpf: stats.tpf(),
                prefill_ms: milliseconds(answer.prefill),
                decode_ms: milliseconds(answer.decode),
                tokens_per_second: answer.tokens_per_second(),
            },
        }
    }
}
