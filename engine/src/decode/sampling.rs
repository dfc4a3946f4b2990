//! Sampling: how ids are drawn from logits, and when drafts are accepted.

use orthrus_loader::GenerationConfig;

use crate::{Error, Result};

/// Defaults of transformers, for a checkpoint that asks for sampling but omits these values.
const SUGGESTED_TEMPERATURE: f64 = 1.0;
const SUGGESTED_TOP_K: usize = 50;
const SUGGESTED_TOP_P: f64 = 1.0;

/// The rule by which a sampled draft is accepted. Both rules give the base model's own distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AcceptRule {
    /// Both views draw with the same random numbers, which depend on seed and position. A draft is accepted if it
    /// equals the id that the AR view draws.
    ///
    /// For one seed, [`Decoding::Dual`](crate::Decoding::Dual) and [`Decoding::Ar`](crate::Decoding::Ar) give the
    /// same text, at any temperature.
    #[default]
    Coupled,
    /// Rejection sampling, as in the paper and the official implementation.
    ///
    /// A draft is accepted with probability `min(1, p / q)`, where `p` is its probability in the AR view and `q` in
    /// the diffusion view. Otherwise an id is drawn from the normalised `max(p - q, 0)`. The text depends on the
    /// decoding, and its distribution does not.
    Rejection,
}

impl AcceptRule {
    /// The name that users give and see.
    pub fn name(self) -> &'static str {
        match self {
            AcceptRule::Coupled => "coupled",
            AcceptRule::Rejection => "rejection",
        }
    }
}

/// Options of sampling (official implementation, `sample`).
///
/// Logits are divided by the temperature and cut to the `top_k` largest. Then the most probable ids remain that
/// have `top_p` of the probability together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// From 0 to 1,000,000. Below 1e-5, decoding is greedy.
    pub temperature: f32,
    /// Number of ids that remain. Ties with the last one remain too. 0: all.
    pub top_k: u32,
    /// From 0 to 1. 1: all ids remain. The most probable id always remains.
    pub top_p: f32,
    /// Seed of the random numbers. The same seed gives the same text on the same adapter, with the same model and
    /// options.
    pub seed: u64,
    /// The rule by which a draft is accepted.
    pub accept: AcceptRule,
}

impl Default for Sampling {
    /// The official implementation's defaults: temperature 0, top-k 20, top-p 0.8.
    fn default() -> Self {
        Sampling { temperature: 0.0, top_k: 20, top_p: 0.8, seed: 0, accept: AcceptRule::Coupled }
    }
}

impl Sampling {
    /// Temperature below which decoding is greedy, as in the official implementation.
    const GREEDY_BELOW: f32 = 1e-5;

    /// The checkpoint's own options if it asks for sampling, else the default.
    pub fn suggested(generation: &GenerationConfig) -> Sampling {
        if generation.do_sample != Some(true) {
            return Sampling::default();
        }
        Sampling {
            temperature: generation.temperature.unwrap_or(SUGGESTED_TEMPERATURE) as f32,
            top_k: u32::try_from(generation.top_k.unwrap_or(SUGGESTED_TOP_K)).unwrap_or(0),
            // transformers ignores a top-p of 1 or more.
            top_p: generation.top_p.unwrap_or(SUGGESTED_TOP_P).min(1.0) as f32,
            ..Sampling::default()
        }
    }

    /// Whether the temperature is so low that the largest logit is taken.
    pub fn is_greedy(&self) -> bool {
        self.temperature < Sampling::GREEDY_BELOW
    }

    /// Checks the ranges, as [`Session::generate`](crate::Session::generate) also does.
    ///
    /// # Errors
    /// [`Error::Sampling`]: temperature or top-p is out of range.
    pub fn check(&self) -> Result<()> {
        if !(0.0..=1e6).contains(&self.temperature) {
            let range = "a temperature is a number from 0 (greedy) to 1000000";
            return Err(Error::Sampling { option: "temperature", asked: self.temperature, range });
        }
        if !(0.0..=1.0).contains(&self.top_p) {
            let range = "a top-p is a number from 0 to 1 (all)";
            return Err(Error::Sampling { option: "top-p", asked: self.top_p, range });
        }
        Ok(())
    }
}
