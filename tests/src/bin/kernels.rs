//! A table of every kernel on every tier: passed, skipped (and why), and time. `cargo xtask kernels` runs it.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Parser;
use orthrus_tests::cases::{self, Case};
use orthrus_tests::gpu::{adapter, gpu_or_reason, tested_tiers};
use orthrus_tests::report::Report;
use orthrus_tests::run::{Test, run};

/// Runs each kernel against its CPU twin, and checks that rows do not change each other.
///
/// `ORTHRUS_TEST_ADAPTER` chooses the adapter, `ORTHRUS_TEST_SEEDS` the number of random shapes, and
/// `ORTHRUS_REQUIRE_TIERS` the tiers that may not be missing.
#[derive(Parser)]
struct Arguments {
    /// Only kernels whose name, as the table has it, contains this
    filter: Option<String>,
    /// Leave out kernels whose name contains this; may be given several times
    #[arg(long)]
    except: Vec<String>,
    /// One row for each kernel instead of each of its variants
    #[arg(long)]
    summary: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let wanted = |case: &Case| {
        let name = case.name();
        arguments.filter.as_ref().is_none_or(|part| name.contains(part))
            && !arguments.except.iter().any(|part| name.contains(part))
    };
    let asked = adapter().unwrap_or_else(|| "the default adapter".to_string());
    let tiers = tested_tiers();
    let opened = tiers.first().and_then(|tier| gpu_or_reason(*tier).ok());
    let name = opened.map_or(asked, |gpu| gpu.adapter().name.clone());
    let mut failures = Vec::new();
    let mut reports: BTreeMap<&str, Report> = BTreeMap::new();
    for (family, cases) in cases::families() {
        let cases: Vec<Case> = cases.into_iter().filter(wanted).collect();
        eprintln!("{family}: {} kernels", cases.len());
        for (title, test) in [("Twins", Test::Twin), ("Row-invariance", Test::Invariance)] {
            let report = run(&cases, test);
            failures.extend(report.failures());
            reports.entry(title).or_default().extend(report);
        }
    }
    println!("Kernels on {name}");
    for (title, report) in reports {
        let table = if arguments.summary { report.summary() } else { report.table() };
        println!("\n{title}\n\n{table}");
    }
    for failure in &failures {
        println!("FAILED: {failure}");
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
