//! How ids are chosen where the largest logit is not simply taken.

use orthrus_loader::GenerationConfig;

use crate::{Error, Result};

/// transformers' defaults where a checkpoint asks for sampling without saying how.
const SUGGESTED_TEMPERATURE: f64 = 1.0;
const SUGGESTED_TOP_K: usize = 50;
const SUGGESTED_TOP_P: f64 = 1.0;

/// When a draft is accepted in sampling. Both rules give the base model's own distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AcceptRule {
    /// Both views draw with the same random numbers, numbered by position, and a draft is accepted that is what the
    /// AR view drew. For one seed, [`Decoding::Dual`](crate::Decoding::Dual) and [`Decoding::Ar`](crate::Decoding::Ar) then give the
    /// same text, at any temperature.
    #[default]
    Coupled,
    /// The paper's, and the official implementation's: a draft is accepted with probability min(1, p / q), else one is
    /// drawn from the normalised max(p - q, 0). The text depends on the view, its distribution does not.
    Rejection,
}

impl AcceptRule {
    /// The name users give and see.
    pub fn name(self) -> &'static str {
        match self {
            AcceptRule::Coupled => "coupled",
            AcceptRule::Rejection => "rejection",
        }
    }
}

/// Sampling: logits are divided by the temperature, then cut to the `top_k` largest, then to the most probable ones
/// that have `top_p` of the probability together (official implementation, `sample`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 0 or more. Below 1e-5, decoding is greedy.
    pub temperature: f32,
    /// Ids that remain, but for ties; 0 is all.
    pub top_k: u32,
    /// From 0 to 1; 1 is all. The most probable id always remains.
    pub top_p: f32,
    /// The same seed gives the same text on the same adapter, model and options.
    pub seed: u64,
    /// When a draft is accepted.
    pub accept: AcceptRule,
}

impl Default for Sampling {
    /// The official implementation's: temperature 0, top-k 20, top-p 0.8.
    fn default() -> Self {
        Sampling { temperature: 0.0, top_k: 20, top_p: 0.8, seed: 0, accept: AcceptRule::Coupled }
    }
}

impl Sampling {
    /// The official implementation's threshold, below which the largest logit is taken.
    const GREEDY_BELOW: f32 = 1e-5;

    /// What a checkpoint suggests, where it suggests sampling at all; else the official implementation's.
    pub fn suggested(generation: &GenerationConfig) -> Sampling {
        if generation.do_sample != Some(true) {
            return Sampling::default();
        }
        Sampling {
            temperature: generation.temperature.unwrap_or(SUGGESTED_TEMPERATURE) as f32,
            top_k: u32::try_from(generation.top_k.unwrap_or(SUGGESTED_TOP_K)).unwrap_or(0),
            // 1 or more is off.
            top_p: generation.top_p.unwrap_or(SUGGESTED_TOP_P).min(1.0) as f32,
            ..Sampling::default()
        }
    }

    /// Whether the largest logit is simply taken.
    pub fn is_greedy(&self) -> bool {
        self.temperature < Sampling::GREEDY_BELOW
    }

    /// Checks the ranges, as [`Session::generate`](crate::Session::generate) does.
    ///
    /// # Errors
    /// An option is out of range.
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
