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

/// The program that puts each kernel through its twin test and its row-invariance test. One process compiles a kernel
/// once for both, and compiling takes up to a minute here.
const KERNELS: &str = "kernels";

/// The kernels that this driver compiles longest. Within a process it compiles one after another, so they have one of
/// their own.
const SLOWEST: &str = "matmul_coop";

/// Kernels that this driver does not finish compiling in a reasonable time. They are run on GPUs only.
const TOO_SLOW: &str = "matmul_prefill";

/// A second random shape finds little that the tests on a GPU do not. The driver optimises shaders for longer than that
/// saves.
const QUICK: [(&str, &str); 2] = [("ORTHRUS_TEST_SEEDS", "1"), ("GALLIVM_PERF", "nopt")];

/// The test binary of the goldens: logits, ids and acceptance lengths of the official implementation.
const GOLDENS: &str = "parity";

/// `orthrus verify`: both views of the bundled model give the same ids. The driver takes about a second for a pass of 32
/// rows, so texts are short.
const VERIFY: &str =
    "verify --tier coop --dtype f16 --limit 20 --max-new-tokens 12 --file tests/prompts/prompts.jsonl";

/// Runs the tests, or says why tier `coop` cannot run here.
pub(crate) fn run() -> Result<()> {
    let required = tiers::required()?;
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
    let jobs = vec![
        kernels(&mesa, &built, &report, &[SLOWEST])?,
        verify(&mesa, &built, &report)?,
        kernels(&mesa, &built, &report, &["--except", SLOWEST, "--except", TOO_SLOW])?,
        goldens(&mesa, &built, &report)?,
    ];
    say(format!("\n== tier {TIER}: every kernel, goldens, and `orthrus verify`"));
    let started = Instant::now();
    let outcomes = jobs::run_all(jobs, jobs::workers());
    say(format!("\n== tier {TIER}: {:.0} s", started.elapsed().as_secs_f64()));
    say(format!(
        "   kernel {TOO_SLOW}: not run here: this driver compiles it for longer than this step may take"
    ));
    let told = report.print(&[TIER], None);
    jobs::failures(&outcomes).and(told)
}

/// The kernels' own program, which prints its table.
fn kernels(mesa: &Mesa, built: &[Built], report: &Report, which: &[&str]) -> Result<Job> {
    let mut command = on(mesa, jobs::program(built, KERNELS)?, report);
    command.args(which).envs(QUICK);
    Ok(Job { shows: true, name: format!("{KERNELS} {}", which.join(" ")), command })
}

fn goldens(mesa: &Mesa, built: &[Built], report: &Report) -> Result<Job> {
    let binary = built.iter().find(|built| built.is_test && built.name == GOLDENS);
    let binary = binary.ok_or_else(|| format!("there is no test binary `{GOLDENS}`"))?;
    let mut command = on(mesa, binary, report);
    command.current_dir(&binary.package);
    Ok(Job { shows: false, name: "goldens".to_string(), command })
}

fn verify(mesa: &Mesa, built: &[Built], report: &Report) -> Result<Job> {
    let mut command = on(mesa, jobs::program(built, "orthrus")?, report);
    command.current_dir(root()).args(VERIFY.split(' '));
    Ok(Job { shows: false, name: format!("orthrus {VERIFY}"), command })
}

/// A command that runs a program of ours on the driver, at tier `coop` alone.
fn on(mesa: &Mesa, program: &Built, report: &Report) -> Command {
    let mut command = mesa.command(&program.path);
    report.collect(&mut command).env("ORTHRUS_TEST_ANY_MATRIX", "1");
    command.env("ORTHRUS_REQUIRE_TIERS", TIER).env("ORTHRUS_TEST_TIERS", TIER);
    command.env_remove("ORTHRUS_TEST_ADAPTER").env_remove("ORTHRUS_MODEL");
    // Cargo sets it for tests.
    command.env("CARGO_MANIFEST_DIR", fs::canonicalize(&program.package).unwrap_or_default());
    command
}
