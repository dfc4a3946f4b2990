//! `cargo xtask test`: every check that a change must pass, cheapest first.

use std::process::Command;
use std::time::Instant;

use crate::commands::{self, Result, cargo, say, succeeds, typed};
use crate::vulkan;

/// A check.
struct Step {
    name: &'static str,
    command: Command,
}

fn steps() -> Result<Vec<Step>> {
    let mut documentation = cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    documentation.env("RUSTDOCFLAGS", "-Dwarnings");
    let mut tests = cargo(&["test", "--workspace", "--locked"]);
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // Without a desktop session, a layer of Mesa's prints an error for each test that opens a GPU, and goes on.
        tests.env("NODEVICE_SELECT", "1");
    }
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    let ourselves = std::env::current_exe().map_err(|error| format!("where is xtask? {error}"))?;
    let mut web = Command::new(ourselves);
    web.arg("web-test");
    Ok(vec![
        Step { name: "formatting", command: cargo(&["fmt", "--all", "--check"]) },
        Step { name: "clippy", command: cargo(&clippy) },
        Step { name: "tests", command: tests },
        Step { name: "documentation", command: documentation },
        Step { name: "web page", command: web },
    ])
}

/// Runs all checks; stops at the first that fails.
pub(crate) fn run() -> Result<()> {
    vulkan::ensure()?;
    ensure_component("fmt", "rustfmt")?;
    ensure_component("clippy", "clippy")?;
    let mut summary = Vec::new();
    let mut steps = steps()?;
    let count = steps.len();
    for step in &mut steps {
        say(format!("\n== {}: {}", step.name, typed(&step.command)));
        let started = Instant::now();
        commands::run(&mut step.command).map_err(|reason| {
            format!("{}: {reason}; {} of {count} checks passed before it", step.name, summary.len())
        })?;
        summary.push(format!("   {:<15}passed in {:.0} s", step.name, started.elapsed().as_secs_f64()));
    }
    say(format!("\n== all {count} checks passed\n{}", summary.join("\n")));
    Ok(())
}

/// Makes sure that a part of the Rust toolchain is there, which minimal installations lack.
fn ensure_component(command: &str, component: &str) -> Result<()> {
    if succeeds(&mut cargo(&[command, "--version"])) {
        return Ok(());
    }
    let mut install = Command::new("rustup");
    install.args(["component", "add", component]);
    say(format!("`cargo {command}` is missing: {}", typed(&install)));
    commands::run(&mut install).map_err(|reason| {
        format!(
            "{reason}; install {component} for this Rust toolchain (on Debian: apt-get install {component})"
        )
    })
}
