//! The figures: what one answer gives, and what the answers of a family come to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One prompt answered in both views.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) task: String,
    /// Whether the answer is the one right answer, where there is one.
    pub(crate) right: Option<bool>,
    /// Tokens generated.
    pub(crate) tokens: usize,
    /// Acceptance length of each cycle.
    pub(crate) acceptance_lengths: Vec<usize>,
    /// Whether the AR view alone gave the same ids.
    pub(crate) identical: bool,
}

impl Outcome {
    /// Mean acceptance length plus one; `None` where the first token was the end.
    fn tokens_per_cycle(&self) -> Option<f64> {
        let cycles = self.acceptance_lengths.len();
        (cycles > 0).then(|| 1.0 + self.acceptance_lengths.iter().sum::<usize>() as f64 / cycles as f64)
    }

    /// Tokens that ended up in the text, the prompt's own first token not counted, per cycle. Less than
    /// `tokens_per_cycle` by what was accepted beyond the end of the text.
    fn kept_per_cycle(&self) -> Option<f64> {
        let cycles = self.acceptance_lengths.len();
        (cycles > 0).then(|| self.tokens.saturating_sub(1) as f64 / cycles as f64)
    }
}

/// A mean over prompts and the half width of its 95 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mean {
    pub(crate) mean: f64,
    pub(crate) half_width: f64,
}

impl Mean {
    /// Of no values: zero. The interval is the normal approximation.
    pub(crate) fn of(values: &[f64]) -> Mean {
        let n = values.len() as f64;
        if values.is_empty() {
            return Mean::default();
        }
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let variance = squares / (n - 1.0).max(1.0);
        Mean { mean: rounded(mean), half_width: rounded(1.96 * (variance / n).sqrt()) }
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// What the answers of a family, or of all families, come to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) prompts: usize,
    /// Prompts that have one right answer.
    pub(crate) scored: usize,
    /// Those of them that got it, to the letter.
    pub(crate) right: usize,
    /// Prompts whose ids are the same in both views.
    pub(crate) identical: usize,
    /// Mean acceptance length plus one.
    pub(crate) tokens_per_cycle: Mean,
    /// The same without what was accepted beyond the end of the text.
    pub(crate) kept_per_cycle: Mean,
    pub(crate) tokens: usize,
    pub(crate) cycles: usize,
    /// How many cycles had each acceptance length, from 0.
    pub(crate) acceptance_lengths: Vec<u64>,
    /// Right answers and prompts of each task that has right answers.
    pub(crate) tasks: BTreeMap<String, [usize; 2]>,
}

impl Figures {
    /// The figures of these outcomes.
    pub(crate) fn of<'a>(outcomes: impl Iterator<Item = &'a Outcome> + Clone) -> Figures {
        let mut all = Figures::default();
        for outcome in outcomes.clone() {
            all.prompts += 1;
            all.identical += usize::from(outcome.identical);
            all.tokens += outcome.tokens;
            all.cycles += outcome.acceptance_lengths.len();
            if let Some(right) = outcome.right {
                all.scored += 1;
                all.right += usize::from(right);
                let [of_task, asked] = all.tasks.entry(outcome.task.clone()).or_default();
                *of_task += usize::from(right);
                *asked += 1;
            }
            for &length in &outcome.acceptance_lengths {
                if all.acceptance_lengths.len() <= length {
                    all.acceptance_lengths.resize(length + 1, 0);
                }
                all.acceptance_lengths[length] += 1;
            }
        }
        let values: Vec<f64> = outcomes.clone().filter_map(Outcome::tokens_per_cycle).collect();
        all.tokens_per_cycle = Mean::of(&values);
        let values: Vec<f64> = outcomes.filter_map(Outcome::kept_per_cycle).collect();
        all.kept_per_cycle = Mean::of(&values);
        all
    }

    /// Share of right answers, where there are any to give.
    pub(crate) fn accuracy(&self) -> Option<f64> {
        (self.scored > 0).then(|| self.right as f64 / self.scored as f64)
    }

    /// For each position of a block after the anchor, up to the last that was ever accepted: the share of cycles
    /// that accepted the draft there.
    pub(crate) fn accepted_by_position(&self) -> Vec<f64> {
        let cycles: u64 = self.acceptance_lengths.iter().sum();
        let reached = |position: usize| self.acceptance_lengths[position..].iter().sum::<u64>();
        (1..self.acceptance_lengths.len()).map(|at| reached(at) as f64 / cycles as f64).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(right: Option<bool>, tokens: usize, lengths: &[usize], identical: bool) -> Outcome {
        Outcome { task: "t".into(), right, tokens, acceptance_lengths: lengths.to_vec(), identical }
    }

    #[test]
    fn figures_of_three_answers() {
        let all = [
            outcome(Some(true), 9, &[3, 3], true),
            outcome(Some(false), 4, &[5], false),
            outcome(None, 1, &[], true),
        ];
        let figures = Figures::of(all.iter());
        assert_eq!((figures.prompts, figures.scored, figures.right, figures.identical), (3, 2, 1, 2));
        assert_eq!((figures.tokens, figures.cycles), (14, 3));
        // Per prompt 4 and 6; kept 8 / 2 and 3 / 1.
        assert_eq!(figures.tokens_per_cycle.mean, 5.0);
        assert_eq!(figures.tokens_per_cycle.half_width, 1.96);
        assert_eq!(figures.kept_per_cycle.mean, 3.5);
        assert_eq!(figures.acceptance_lengths, [0, 0, 0, 2, 0, 1]);
        let by_position = figures.accepted_by_position();
        assert_eq!(by_position[..3], [1.0; 3]);
        assert_eq!(by_position[3..], [1.0 / 3.0; 2]);
        assert_eq!(figures.tasks["t"], [1, 2]);
        assert_eq!(figures.accuracy(), Some(0.5));
    }

    #[test]
    fn no_answers_give_no_figures() {
        let figures = Figures::of([].iter());
        assert_eq!(figures.accuracy(), None);
        assert!(figures.accepted_by_position().is_empty());
        assert_eq!(figures.tokens_per_cycle, Mean::default());
    }
}
