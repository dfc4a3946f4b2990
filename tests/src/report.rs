//! What became of each kernel on each tier.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use orthrus::Tier;

use crate::cases::Case;
use crate::gpu;

/// What became of a kernel on a tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it should.
    Passed,
    /// It did not run. This is why.
    Skipped(String),
    /// The adapter has the tier, and cannot run the kernel. This is why.
    Impossible(String),
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
    /// Adds a kernel. One that the adapter cannot run goes to `ORTHRUS_TEST_REPORT` too.
    pub fn add(&mut self, case: &Case, tier: Tier, outcome: Outcome, time: Duration) {
        if let Outcome::Impossible(reason) = &outcome {
            gpu::report("kernel", &case.name(), &format!("not run: {reason}"));
        }
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

    /// A row for each kernel, with all its variants.
    pub fn summary(&self) -> String {
        self.by(|line| line.kernel)
    }

    /// A row for each variant of a kernel.
    pub fn table(&self) -> String {
        self.by(|line| &line.name)
    }

    /// A row for each name, with a column for each tier. Below stands why some kernels were skipped.
    fn by(&self, name: impl Fn(&Line) -> &str) -> String {
        let mut rows: BTreeMap<&str, [Cell; 3]> = BTreeMap::new();
        let mut reasons: Vec<&str> = Vec::new();
        for line in &self.lines {
            let cell = &mut rows.entry(name(line)).or_default()[line.tier as usize];
            cell.time += line.time;
            match &line.outcome {
                Outcome::Passed => cell.passed += 1,
                Outcome::Failed(_) => cell.failed += 1,
                Outcome::Skipped(reason) | Outcome::Impossible(reason) => {
                    let known = reasons.iter().position(|known| known == reason).unwrap_or_else(|| {
                        reasons.push(reason);
                        reasons.len() - 1
                    });
                    *cell.skipped.entry(known + 1).or_insert(0) += 1;
                }
            }
        }
        let cells: Vec<(&str, [String; 3])> =
            rows.iter().map(|(name, cells)| (*name, [0, 1, 2].map(|tier| cells[tier].text()))).collect();
        let heads = ("kernel", Tier::ALL.map(|tier| tier.name().to_string()));
        let all = || cells.iter().chain([&heads]);
        let first = all().map(|(name, _)| name.len()).max().unwrap_or(0);
        let widths = [0, 1, 2].map(|tier| all().map(|(_, cells)| cells[tier].len()).max().unwrap_or(0));
        let mut text = String::new();
        for (name, [a, b, c]) in [&heads].into_iter().chain(&cells) {
            let line = format!("  {name:<first$}  {a:<0$}  {b:<1$}  {c}", widths[0], widths[1]);
            let _ = writeln!(text, "{}", line.trim_end());
        }
        for (number, reason) in (1..).zip(reasons) {
            let _ = writeln!(text, "  [{number}] {reason}");
        }
        text
    }
}

/// What became of the variants of a kernel on a tier.
#[derive(Default)]
struct Cell {
    passed: usize,
    failed: usize,
    /// How many, by the number of the reason.
    skipped: BTreeMap<usize, usize>,
    time: Duration,
}

impl Cell {
    fn text(&self) -> String {
        let mut parts = Vec::new();
        if self.failed > 0 {
            parts.push(format!("{} FAILED", self.failed));
        }
        if self.passed > 0 {
            parts.push(format!("{} passed in {:.2} s", self.passed, self.time.as_secs_f64()));
        }
        parts.extend(self.skipped.iter().map(|(reason, count)| format!("{count} skipped [{reason}]")));
        parts.join(", ")
    }
}
