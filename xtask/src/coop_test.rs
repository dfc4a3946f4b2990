//! `cargo xtask coop-test`: tier `coop` on the newest Mesa software driver.
//!
//! The driver lists cooperative matrices of 8 by 8 and takes those of 16 by 16. The variable `ORTHRUS_TEST_ANY_MATRIX`
//! lets the tests use them.

use std::fs;
use std::process::Command;
use std::time::Instant;

use crate::commands::{Result, root, say};
use crate::jobs::{self, Built, Job};
use crate::mesa::Mesa;
use crate::tiers::{self, Report};

const TIER: &str = "coop";

/// Tests to run: those of a test binary whose names contain `filter`.
struct Selection {
    binary: &'static str,
    filter: &'static str,
    why: &'static str,
    environment: &'static [(&'static str, &'static str)],
}

/// Every kernel variant is compiled and run once. This driver takes up to minutes for one kernel, most of it compiling,
/// and a second seed finds little that the tests on a GPU do not.
const ONE_SEED: (&str, &str) = ("ORTHRUS_TEST_SEEDS", "1");

/// Skips the optimisation of shaders, which takes longer here than what it saves.
const QUICK_COMPILER: (&str, &str) = ("GALLIVM_PERF", "nopt");

/// Other tiers run in `cargo xtask test`.
const ONLY_COOP: (&str, &str) = ("ORTHRUS_TEST_TIERS", TIER);

/// What runs.
const SELECTIONS: [Selection; 3] = [
    Selection {
        binary: "kernels",
        filter: "",
        why: "kernels against twins",
        environment: &[ONE_SEED, QUICK_COMPILER, ONLY_COOP],
    },
    Selection {
        binary: "invariance",
        filter: "row_invariance::",
        why: "row-invariance of kernels",
        environment: &[ONE_SEED, QUICK_COMPILER, ONLY_COOP],
    },
    Selection { binary: "parity", filter: "", why: "goldens", environment: &[ONLY_COOP] },
];

/// Parts of the names of jobs. These begin first, in this order, since they take longest.
const FIRST: [&str; 3] = ["orthrus verify", "matmul_coop", "attention_coop"];

/// `orthrus verify`: both views of the bundled model give the same ids. This driver takes seconds for a pass of 32 rows,
/// so texts are short.
const VERIFY: &str =
    "verify --tier coop --dtype f16 --limit 20 --max-new-tokens 12 --file tests/prompts/prompts.jsonl";

/// Runs the tests, or says why tier `coop` cannot run here.
pub(crate) fn run() -> Result<()> {
    let required = tiers::required()?;
    let started = Instant::now();
    let mesa = match Mesa::ensure() {
        Ok(mesa) => mesa,
        Err(reason) if required.contains(&TIER) => {
            return Err(format!("tier {TIER}: not run here: {reason}"));
        }
        Err(reason) => {
            say(format!("\n== tier {TIER}: not run here: {reason}"));
            return Ok(());
        }
    };
    let built = jobs::build()?;
    let report = Report::new("coop")?;
    let jobs = jobs_of(&mesa, &built, &report)?;
    say(format!("\n== tier {TIER}: {} jobs, built in {:.0} s", jobs.len(), started.elapsed().as_secs_f64()));
    let running = Instant::now();
    let outcomes = jobs::run_all(jobs, jobs::workers());
    let passed = jobs::failures(&outcomes);
    say(format!("\n== tier {TIER}: {} jobs in {:.0} s", outcomes.len(), running.elapsed().as_secs_f64()));
    for Selection { binary, why, .. } in &SELECTIONS {
        let of_binary = outcomes.iter().filter(|outcome| outcome.name.starts_with(&format!("{binary}::")));
        let passed: Vec<_> = of_binary.filter(|outcome| outcome.passed).collect();
        let seconds: f64 = passed.iter().map(|outcome| outcome.seconds).sum();
        say(format!("   {why}: {} tests of `{binary}` passed, {seconds:.0} s in all", passed.len()));
    }
    let told = report.print(&[TIER], None);
    passed.and(told)
}

/// A job for each selected test, and one for `orthrus verify`.
fn jobs_of(mesa: &Mesa, built: &[Built], report: &Report) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for selection in &SELECTIONS {
        let binary = built.iter().find(|built| built.is_test && built.name == selection.binary);
        let binary = binary.ok_or_else(|| format!("there is no test binary `{}`", selection.binary))?;
        let tests = jobs::tests_of(binary, selection.filter)?;
        if tests.is_empty() {
            return Err(format!("`{}` has no test `{}`", selection.binary, selection.filter));
        }
        for test in tests {
            let mut command = on(mesa, binary, report);
            command.current_dir(&binary.package).args(["--exact", &test]);
            command.envs(selection.environment.iter().copied());
            jobs.push(Job { name: format!("{}::{test}", selection.binary), command });
        }
    }
    let program = jobs::program(built, "orthrus")?;
    let mut verify = on(mesa, program, report);
    verify.current_dir(root()).args(VERIFY.split(' '));
    jobs.push(Job { name: format!("orthrus {VERIFY}"), command: verify });
    jobs.sort_by_key(|job| FIRST.iter().position(|part| job.name.contains(part)).unwrap_or(FIRST.len()));
    Ok(jobs)
}

fn on(mesa: &Mesa, program: &Built, report: &Report) -> Command {
    let mut command = mesa.command(&program.path);
    report.collect(&mut command).env("ORTHRUS_TEST_ANY_MATRIX", "1").env("ORTHRUS_REQUIRE_TIERS", TIER);
    command.env_remove("ORTHRUS_TEST_ADAPTER").env_remove("ORTHRUS_MODEL");
    // Cargo sets it for tests.
    command.env("CARGO_MANIFEST_DIR", fs::canonicalize(&program.package).unwrap_or_default());
    command
}
