//! The acceptance lengths that are replayed, and where they come from.

use std::path::Path;

use orthrus::shaders::MAX_BLOCK;
use orthrus::{GenerateOptions, Model, no_progress};
use orthrus_loader::{Checkpoint, CheckpointViews};
use serde::{Deserialize, Serialize};

use crate::error::{CliError, Result};
use crate::output::note;
use crate::prompts;

/// Of the first bundled model's answers, of 2026-11-22, to the prompts that come with this program: kept when the model
/// was trained again, so that recorded speeds can be compared. Made by the command in it.
const BUILT_IN: &str = include_str!("acceptance.json");

/// New tokens for each of the model's own answers.
const BUDGET: usize = 256;

/// Recorded acceptance lengths.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Acceptance {
    /// Where they were recorded.
    pub(crate) source: String,
    /// Of each cycle.
    pub(crate) lengths: Vec<u32>,
}

/// What a file of acceptance lengths may hold.
#[derive(Deserialize)]
#[serde(untagged)]
enum Recorded {
    Lengths(Vec<u32>),
    /// As `generate --json` prints it.
    Answer {
        stats: Stats,
    },
    /// As `bench --json` writes it.
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
    /// Those in a file.
    pub(crate) fn of_file(file: &Path) -> Result<Acceptance> {
        let bytes =
            std::fs::read(file).map_err(|source| CliError::Io { what: "reading --replay", source })?;
        let recorded = serde_json::from_slice(&bytes).map_err(|_| {
            CliError::usage(format!(
                "{} holds no acceptance lengths: a JSON array of numbers, or what `generate --json` or `bench --json` gives",
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
                "{file}: {length} drafts are more than any block has, {MAX_BLOCK} rows"
            )));
        }
        Ok(Acceptance { source: format!("recorded in {}", file.display()), lengths })
    }

    /// Those of the model's own answers to the prompts that come with this program, where it can be asked.
    pub(crate) fn of_model(checkpoint: &Checkpoint, model: &Model) -> Result<Acceptance> {
        // A processor would take minutes for all.
        let limit = model.gpu().adapter().is_software().then_some(2);
        let talks = checkpoint.tokenizer()?.is_some() && checkpoint.chat_template()?.is_some();
        if !talks || checkpoint.views() == CheckpointViews::ArOnly {
            return Ok(Acceptance::built_in());
        }
        let prompts = match prompts::from_file(None, limit, BUDGET, checkpoint) {
            Ok(prompts) => prompts,
            Err(error) => {
                note(format!("the model is not asked for its acceptance lengths: {error}"));
                return Ok(Acceptance::built_in());
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
            return Ok(Acceptance::built_in());
        }
        let source = format!("recorded from this model's answers to {} built-in prompts", prompts.len());
        Ok(Acceptance { source, lengths })
    }

    /// The bundled model's.
    pub(crate) fn built_in() -> Acceptance {
        // A test reads it: the default is never used.
        let lengths = match serde_json::from_str(BUILT_IN) {
            Ok(Recorded::Bench { acceptance }) => acceptance.acceptance_lengths,
            _ => vec![0],
        };
        Acceptance {
            source: "recorded with the bundled model of 2026-11-22, built-in prompts".to_string(),
            lengths,
        }
    }

    /// `cycles` of the lengths that are like all of them: evenly from the shortest to the longest, in mixed order, none
    /// longer than a block of `block` rows has drafts.
    pub(crate) fn sample(&self, cycles: usize, block: usize) -> Vec<u32> {
        let most = block.saturating_sub(1) as u32;
        let mut sorted = self.lengths.clone();
        sorted.sort_unstable();
        let at = |rank: usize| sorted[(2 * rank + 1) * sorted.len() / (2 * cycles)].min(most);
        let stride = stride(cycles);
        (0..cycles).map(|index| at(index * stride % cycles)).collect()
    }

    /// The share of cycles that accept the draft at each position of a block after the anchor.
    pub(crate) fn by_position(&self, block: usize) -> Vec<f64> {
        let share = |position: usize| {
            let accepted = self.lengths.iter().filter(|length| **length as usize >= position).count();
            accepted as f64 / self.lengths.len().max(1) as f64
        };
        (1..block).map(share).collect()
    }
}

/// A step that visits all of `count` places, far from one to the next.
fn stride(count: usize) -> usize {
    let shared = |step: &usize| (2..=*step).any(|n| step.is_multiple_of(n) && count.is_multiple_of(n));
    (count * 5 / 8..).find(|step| *step > 0 && !shared(step)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::Acceptance;

    #[test]
    fn some_come_with_the_program() {
        let lengths = Acceptance::built_in().lengths;
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
