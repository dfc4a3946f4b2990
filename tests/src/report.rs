//! What became of each kernel on each tier.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use orthrus::Tier;

use crate::cases::Case;

/// What became of a kernel on a tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it should.
    Passed,
    /// It did not run. This is why.
    Skipped(String),
    /// It did something else. This is what.
    Failed(String),
}

struct Line {
    kernel: &'static str,
    name: String,
    tier: Tier,
    outcome: Outcome,
    time: Duration,
}

/// What became of many kernels.
#[derive(Default)]
pub struct Report {
    lines: Vec<Line>,
}

impl Report {
    /// Adds a kernel.
    pub fn add(&mut self, case: &Case, tier: Tier, outcome: Outcome, time: Duration) {
        self.lines.push(Line { kernel: case.kernel.name(), name: case.name(), tier, outcome, time });
    }

    /// Adds what another test made of the same kernels, or of others.
    pub fn extend(&mut self, other: Report) {
        self.lines.extend(other.lines);
    }

    /// Prints the summary on stderr, whether or not the test harness keeps output to itself.
    ///
    /// # Panics
    /// If a kernel failed.
    pub fn finish(&self, test: &str) {
        let _ = std::io::stderr().write_all(format!("{test}\n{}", self.summary()).as_bytes());
        let failures = self.failures();
        assert!(failures.is_empty(), "{test}: {} kernels failed\n{}", failures.len(), failures.join("\n"));
    }

    /// Each kernel that failed, and how.
    pub fn failures(&self) -> Vec<String> {
        let fault = |line: &Line| match &line.outcome {
            Outcome::Failed(fault) => Some(format!("{}, tier {}: {fault}", line.name, line.tier.name())),
            _ => None,
        };
        self.lines.iter().filter_map(fault).collect()
    }

    /// A line for each kernel, with all its variants, and tier.
    pub fn summary(&self) -> String {
        let mut groups: BTreeMap<(&str, Tier), Vec<&Line>> = BTreeMap::new();
        for line in &self.lines {
            groups.entry((line.kernel, line.tier)).or_default().push(line);
        }
        let mut text = String::new();
        for ((kernel, tier), lines) in groups {
            let count = |wanted: fn(&Outcome) -> bool| lines.iter().filter(|line| wanted(&line.outcome)).count();
            let passed = count(|outcome| *outcome == Outcome::Passed);
            let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
            let time: Duration = lines.iter().map(|line| line.time).sum();
            let _ = write!(text, "  {kernel:<17} {:<9} {passed:>3} passed", tier.name());
            if failed > 0 {
                let _ = write!(text, ", {failed} FAILED");
            }
            for (reason, count) in reasons(&lines) {
                let _ = write!(text, ", {count} skipped ({reason})");
            }
            let _ = writeln!(text, " in {:.2} s", time.as_secs_f64());
        }
        text
    }

    /// A row for each variant of a kernel, with a column for each tier, then why some were skipped.
    pub fn table(&self) -> String {
        let mut rows: Vec<(&str, [String; 3])> = Vec::new();
        let mut notes: Vec<&str> = Vec::new();
        for line in &self.lines {
            let row = rows.iter().position(|(name, _)| *name == line.name).unwrap_or_else(|| {
                rows.push((&line.name, Default::default()));
                rows.len() - 1
            });
            let cell = match &line.outcome {
                Outcome::Passed => format!("passed {:.2} s", line.time.as_secs_f64()),
                Outcome::Failed(_) => "FAILED".to_string(),
                Outcome::Skipped(reason) => {
                    let note = notes.iter().position(|note| note == reason).unwrap_or_else(|| {
                        notes.push(reason);
                        notes.len() - 1
                    });
                    format!("skipped [{}]", note + 1)
                }
            };
            rows[row].1[line.tier as usize] = cell;
        }
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let [a, b, c] = Tier::ALL.map(Tier::name);
        let mut text = format!("{:<width$}  {a:<15}  {b:<15}  {c}\n", "kernel");
        for (name, [a, b, c]) in rows {
            let line = format!("{name:<width$}  {a:<15}  {b:<15}  {c}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        for (i, note) in notes.iter().enumerate() {
            let _ = writeln!(text, "[{}] {note}", i + 1);
        }
        text
    }
}

fn reasons<'a>(lines: &[&'a Line]) -> BTreeMap<&'a str, usize> {
    let mut reasons = BTreeMap::new();
    for line in lines {
        if let Outcome::Skipped(reason) = &line.outcome {
            *reasons.entry(reason.as_str()).or_insert(0) += 1;
        }
    }
    reasons
}
