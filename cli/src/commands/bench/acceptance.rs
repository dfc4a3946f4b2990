//! The acceptance lengths to replay, and where they were recorded.

use std::path::Path;

use orthrus::shaders::MAX_BLOCK;
use orthrus::{GenerateOptions, Model, no_progress};
use orthrus_loader::{Checkpoint, CheckpointViews};
use serde::{Deserialize, Serialize};

use crate::error::{CliError, Result};
use crate::output::note;
use crate::prompts;

/// The lengths of the first bundled model's answers to the built-in prompts. The file names the command that made it.
///
/// A later training of the model left these lengths as they are, so that recorded speeds can be compared.
const OF_BUNDLED_MODEL: &str = include_str!("acceptance.json");

/// The token budget of each answer that records lengths.
const BUDGET: usize = 256;

/// Recorded acceptance lengths.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Acceptance {
    /// Where the lengths were recorded.
    pub(crate) source: String,
    /// The acceptance length of each cycle.
    pub(crate) lengths: Vec<u32>,
}

/// The forms that a file of acceptance lengths can have.
#[derive(Deserialize)]
#[serde(untagged)]
enum Recorded {
    Lengths(Vec<u32>),
    /// The output of `generate --json`.
    Answer {
        stats: Stats,
    },
    /// The output of `bench --json`.
    Bench {
        acceptance: Stats,
    },
}

#[derive(Deserialize)]
struct Stats {
    #[serde(alias = "lengths")]
    acceptance_lengths: Vec<u32>,
}

impl Acceptance {
    /// The lengths in a file.
    pub(crate) fn from_file(file: &Path) -> Result<Acceptance> {
        let bytes =
            std::fs::read(file).map_err(|source| CliError::Io { what: "reading --replay", source })?;
        let recorded = serde_json::from_slice(&bytes).map_err(|_| {
            CliError::usage(format!(
                "{} holds no acceptance lengths. Give a JSON array of numbers, or the output of `generate --json` or \
                 `bench --json`",
                file.display()
            ))
        })?;
        let lengths = match recorded {
            Recorded::Lengths(lengths) => lengths,
            Recorded::Answer { stats } => stats.acceptance_lengths,
            Recorded::Bench { acceptance } => acceptance.acceptance_lengths,
        };
        if lengths.is_empty() {
            return Err(CliError::usage(format!("{} holds no acceptance lengths", file.display())));
        }
        if let Some(length) = lengths.iter().find(|length| **length as usize >= MAX_BLOCK) {
            let file = file.display();
            return Err(CliError::usage(format!(
                "{file}: {length} is no acceptance length, because a block has at most {MAX_BLOCK} rows"
            )));
        }
        Ok(Acceptance { source: format!("recorded in {}", file.display()), lengths })
    }

    /// The lengths of the model's own answers to the built-in prompts. A model that cannot answer them gets the bundled
    /// model's lengths.
    pub(crate) fn from_model(checkpoint: &Checkpoint, model: &Model) -> Result<Acceptance> {
        // A software adapter would take minutes for all prompts.
        let limit = model.gpu().adapter().is_software().then_some(2);
        let talks = checkpoint.tokenizer()?.is_some() && checkpoint.chat_template()?.is_some();
        if !talks || checkpoint.views() == CheckpointViews::ArOnly {
            return Ok(Acceptance::of_bundled_model());
        }
        let prompts = match prompts::from_file(None, limit, BUDGET, checkpoint) {
            Ok(prompts) => prompts,
            Err(error) => {
                note(format!("the model's own acceptance lengths are not recorded: {error}"));
                return Ok(Acceptance::of_bundled_model());
            }
        };
        let longest = prompts.iter().map(|prompt| prompt.ids.len()).max().unwrap_or(0);
        let mut session = model.session(longest + BUDGET)?;
        let mut lengths = Vec::new();
        for prompt in &prompts {
            let options = GenerateOptions { max_new_tokens: BUDGET, ..GenerateOptions::default() };
            let mut generation = session.generate(&prompt.ids, &options, &mut no_progress)?;
            for run in &mut generation {
                run?;
            }
            lengths.extend(generation.stats().acceptance_lengths.iter().map(|&length| length as u32));
        }
        if lengths.is_empty() {
            return Ok(Acceptance::of_bundled_model());
        }
        let source = format!("recorded from this model's answers to {} built-in prompts", prompts.len());
        Ok(Acceptance { source, lengths })
    }

    /// The lengths of the bundled model.
    pub(crate) fn of_bundled_model() -> Acceptance {
        // A test parses the file, so the default is never used.
        let lengths = match serde_json::from_str(OF_BUNDLED_MODEL) {
            Ok(Recorded::Bench { acceptance }) => acceptance.acceptance_lengths,
            _ => vec![0],
        };
        Acceptance {
            source: "recorded with the bundled model of 2026-11-22, built-in prompts".to_string(),
            lengths,
        }
    }

    /// A sample of `cycles` lengths with the same distribution, in mixed order.
    ///
    /// It takes lengths at even ranks from the shortest to the longest, and cuts them to `block - 1` drafts.
    pub(crate) fn sample(&self, cycles: usize, block: usize) -> Vec<u32> {
        let most = block.saturating_sub(1) as u32;
        let mut sorted = self.lengths.clone();
        sorted.sort_unstable();
        let at = |rank: usize| sorted[(2 * rank + 1) * sorted.len() / (2 * cycles)].min(most);
        let stride = stride(cycles);
        (0..cycles).map(|index| at(index * stride % cycles)).collect()
    }

    /// For each position of a block after the anchor: the share of cycles that accept its draft.
    pub(crate) fn by_position(&self, block: usize) -> Vec<f64> {
        let share = |position: usize| {
            let accepted = self.lengths.iter().filter(|length| **length as usize >= position).count();
            accepted as f64 / self.lengths.len().max(1) as f64
        };
        (1..block).map(share).collect()
    }
}

/// A step without a common divisor with `count`: index times step, modulo `count`, visits all places in mixed order.
fn stride(count: usize) -> usize {
    let shared = |step: &usize| (2..=*step).any(|n| step.is_multiple_of(n) && count.is_multiple_of(n));
    (count * 5 / 8..).find(|step| *step > 0 && !shared(step)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::Acceptance;

    #[test]
    fn the_lengths_of_the_bundled_model_are_usable() {
        let lengths = Acceptance::of_bundled_model().lengths;
        assert!(lengths.len() > 20 && lengths.iter().any(|&length| length > 8), "{lengths:?}");
        assert!(lengths.iter().all(|&length| length < 32));
    }

    #[test]
    fn a_sample_is_like_the_whole() {
        let of = |lengths: &[u32]| Acceptance { source: String::new(), lengths: lengths.to_vec() };
        assert_eq!(of(&[3, 0]).sample(4, 32).iter().sum::<u32>(), 6);
        assert_eq!(of(&[3, 0]).sample(1, 32), [3]);
        assert_eq!(of(&[40, 2]).sample(2, 32).iter().sum::<u32>(), 33);
        for cycles in 1..60 {
            let mut all = of(&(0..cycles).collect::<Vec<_>>()).sample(cycles as usize, 64);
            all.sort_unstable();
            assert_eq!(all, (0..cycles).collect::<Vec<_>>(), "each once");
        }
        assert_ne!(of(&[0, 1, 2, 3, 4, 5]).sample(6, 32), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_position_is_accepted_by_all_longer_lengths() {
        let acceptance = Acceptance { source: String::new(), lengths: vec![0, 2, 1, 1] };
        assert_eq!(acceptance.by_position(4), [0.75, 0.25, 0.0]);
    }
}
