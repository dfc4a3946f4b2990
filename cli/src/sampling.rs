//! The options of sampling: from the command line, else from the checkpoint, else the official loop's.

use std::time::{SystemTime, UNIX_EPOCH};

use orthrus::Sampling;
use orthrus_loader::GenerationConfig;

use crate::args::SamplingArgs;

/// How ids are to be chosen. The engine checks the ranges.
pub(crate) fn sampling(args: &SamplingArgs, generation: &GenerationConfig) -> Sampling {
    let suggested = Sampling::suggested(generation);
    Sampling {
        temperature: args.temperature.unwrap_or(suggested.temperature),
        top_k: args.top_k.unwrap_or(suggested.top_k),
        top_p: args.top_p.unwrap_or(suggested.top_p),
        seed: args.seed.unwrap_or_else(clock),
        accept: args.accept.unwrap_or_default(),
    }
}

/// A seed nobody chose: short enough to type again.
fn clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::from(now.subsec_nanos()) ^ (now.as_secs() << 10) & 0xffff_ffff
}

/// The line that says how an answer was sampled, with what it takes to draw it again. None: it was not.
pub(crate) fn line(sampling: &Sampling) -> Option<String> {
    let Sampling { temperature, top_k, top_p, seed, accept } = sampling;
    let line = || {
        format!(
            "sampling with --temperature {temperature} --top-k {top_k} --top-p {top_p} --seed {seed} --accept {}",
            accept.name()
        )
    };
    (!sampling.is_greedy()).then(line)
}
