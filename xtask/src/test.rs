//! `cargo xtask test`: every check that a change must pass.
//!
//! The checks share builds and cores. The engine for browsers is compiled beside the native builds. Then tests run side
//! by side, a process for each test, because one process compiles its kernels one after another. The web page's tests
//! run last and alone.

use std::process::Command;
use std::thread;
use std::time::Instant;

use crate::commands::{self, Result, cargo, root, say, succeeds, typed};
use crate::jobs::{self, Built, Job};
use crate::tiers::{self, Report};
use crate::{vulkan, web, web_test};

/// The crates that programs link.
const PUBLISHED: [&str; 3] = ["orthrus-gpu-shaders", "orthrus-gpu-loader", "orthrus-gpu"];

/// The package whose tests take most of the time. Each is a job of its own; other test binaries are one job each.
const LONG_TESTS: &str = "tests";

/// Runs all checks. A check that fails to build ends the run; tests all run, and the failed ones are named.
pub(crate) fn run() -> Result<()> {
    tiers::required()?;
    vulkan::ensure()?;
    ensure_component("fmt", "rustfmt")?;
    ensure_component("clippy", "clippy")?;
    let tools = web_test::tools()?;
    let web::Build { command: browsers, wasm } = web::build()?;

    let all = Instant::now();
    let mut clock = Clock::default();
    clock.time("formatting", || announced(&mut cargo(&["fmt", "--all", "--check"])))?;
    say(format!("\n== beside what follows: {}", typed(&browsers)));
    let browsers = Job { shows: false, name: "the engine for browsers".to_string(), command: browsers };
    let browsers = thread::spawn(|| jobs::run_all(vec![browsers], 1));
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    clock.time("clippy", || announced(&mut cargo(&clippy)))?;
    let built = clock.time("building", jobs::build)?;
    let report = Report::new("test")?;
    let mut jobs = tests(&built, &report)?;
    jobs.push(documentation());
    jobs.extend(examples(&built)?);
    jobs.extend(features());
    jobs.push(Job {
        shows: false,
        name: "examples in the documentation".to_string(),
        command: cargo(&["test", "--workspace", "--locked", "--doc"]),
    });
    let outcomes = clock.time("the engine for browsers", || {
        browsers.join().map_err(|_| "the build of the engine for browsers broke off".to_string())
    })?;
    jobs::failures(&outcomes)?;
    let programs = web_test::Programs::of(&built)?;
    let web_page =
        clock.time("putting the page together", || web_test::command_for(&tools, &programs, &wasm))?;
    say(format!("\n== {} jobs, {} at a time", jobs.len(), jobs::workers()));
    let mut outcomes = clock.time("tests", || Ok(jobs::run_all(jobs, jobs::workers())))?;
    // Alone: it measures how long the page's tasks take, and the browser's software GPU wants every core.
    let page = vec![Job { shows: false, name: "web page".to_string(), command: web_page }];
    outcomes.extend(clock.time("web page", || Ok(jobs::run_all(page, 1)))?);
    let passed = jobs::failures(&outcomes);
    let seconds = all.elapsed().as_secs_f64();
    say(match &passed {
        Ok(()) => format!("\n== all checks passed in {seconds:.0} s"),
        Err(_) => format!("\n== tests failed, after {seconds:.0} s"),
    });
    clock.print();
    let slow = outcomes.iter().filter(|outcome| outcome.seconds > seconds / 50.0);
    slow.for_each(|outcome| say(format!("      {:<40}{:>6.0} s", outcome.name, outcome.seconds)));
    let told = report.print(&["baseline", "subgroup", "coop"], Some("cargo xtask coop-test"));
    passed.and(told)
}

/// What each part of a run took.
#[derive(Default)]
struct Clock(Vec<(&'static str, f64)>);

impl Clock {
    fn time<T>(&mut self, name: &'static str, run: impl FnOnce() -> Result<T>) -> Result<T> {
        let started = Instant::now();
        let result = run().map_err(|reason| format!("{name}: {reason}"));
        self.0.push((name, started.elapsed().as_secs_f64()));
        result
    }

    fn print(&self) {
        for (name, seconds) in &self.0 {
            say(format!("   {name:<43}{seconds:>6.0} s"));
        }
    }
}

fn announced(command: &mut Command) -> Result<()> {
    say(format!("\n== {}", typed(command)));
    commands::run(command)
}

/// The test binaries as jobs, the long tests first.
fn tests(built: &[Built], report: &Report) -> Result<Vec<Job>> {
    let (long, short): (Vec<&Built>, Vec<&Built>) =
        built.iter().filter(|built| built.is_test).partition(|built| built.package.ends_with(LONG_TESTS));
    let mut jobs = Vec::new();
    for binary in long {
        for test in jobs::tests_of(binary, "")? {
            let mut command = test_command(binary, report);
            command.args(["--exact", &test]);
            jobs.push(Job { shows: false, name: format!("{}::{test}", binary.name), command });
        }
    }
    for binary in short {
        let package = binary.package.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{package}: {}", binary.name);
        jobs.push(Job { shows: false, name, command: test_command(binary, report) });
    }
    Ok(jobs)
}

fn test_command(binary: &Built, report: &Report) -> Command {
    let mut command = Command::new(&binary.path);
    // As cargo runs tests.
    command.current_dir(&binary.package).env("CARGO_MANIFEST_DIR", &binary.package);
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // Without a desktop session, a layer of Mesa's prints an error for each test that opens a GPU, and goes on.
        command.env("NODEVICE_SELECT", "1");
    }
    report.collect(&mut command);
    command
}

/// The examples of the library, with the bundled model.
fn examples(built: &[Built]) -> Result<Vec<Job>> {
    let example = |name: &&str| {
        let mut command = Command::new(&jobs::program(built, name)?.path);
        command.arg(root().join("models/tiny")).env("NODEVICE_SELECT", "1");
        Ok(Job { shows: false, name: format!("example {name}"), command })
    };
    ["generate", "chat_turn", "stream_tokio", "both_views"].iter().map(example).collect()
}

/// What the workspace's own builds do not show: the published crates as packages, and without their default features.
fn features() -> Vec<Job> {
    let mut package = cargo(&["package", "--locked", "--no-verify", "--allow-dirty"]);
    let mut check = cargo(&["check", "--locked", "--no-default-features"]);
    for name in PUBLISHED {
        package.args(["--package", name]);
        check.args(["--package", name]);
    }
    vec![
        Job { shows: false, name: "packages".to_string(), command: package },
        Job { shows: false, name: "published crates without default features".to_string(), command: check },
    ]
}

fn documentation() -> Job {
    let mut command = cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    command.env("RUSTDOCFLAGS", "-Dwarnings");
    Job { shows: false, name: "documentation".to_string(), command }
}

/// Installs a part of the Rust toolchain that minimal installations lack.
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
