//! The options of sampling: from the command line, else from the checkpoint, else the official loop's.

use std::time::{SystemTime, UNIX_EPOCH};

use orthrus::Sampling;
use orthrus_loader::GenerationConfig;

use crate::args::SamplingArgs;

/// transformers' defaults where a checkpoint asks for sampling without saying how.
const CHECKPOINT_TEMPERATURE: f64 = 1.0;
const CHECKPOINT_TOP_K: usize = 50;
const CHECKPOINT_TOP_P: f64 = 1.0;

/// How ids are to be chosen. The engine checks the ranges.
pub(crate) fn sampling(args: &SamplingArgs, generation: &GenerationConfig) -> Sampling {
    let official = Sampling::default();
    let asked = generation.do_sample == Some(true);
    let (temperature, top_k, top_p) = if asked {
        (
            generation.temperature.unwrap_or(CHECKPOINT_TEMPERATURE) as f32,
            u32::try_from(generation.top_k.unwrap_or(CHECKPOINT_TOP_K)).unwrap_or(0),
            // 1 or more is off.
            generation.top_p.unwrap_or(CHECKPOINT_TOP_P).min(1.0) as f32,
        )
    } else {
        (official.temperature, official.top_k, official.top_p)
    };
    Sampling {
        temperature: args.temperature.unwrap_or(temperature),
        top_k: args.top_k.unwrap_or(top_k),
        top_p: args.top_p.unwrap_or(top_p),
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
