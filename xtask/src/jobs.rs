//! Runs programs side by side, and lists the tests of a test binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

use crate::commands::{Result, cargo, output, say, typed};
use crate::json;

/// A program to run.
pub(crate) struct Job {
    /// Whether its output is printed where it passes, too.
    pub(crate) shows: bool,
    pub(crate) name: String,
    pub(crate) command: Command,
}

/// How a job ended.
pub(crate) struct Outcome {
    pub(crate) name: String,
    pub(crate) seconds: f64,
    pub(crate) passed: bool,
}

/// As many jobs as run well side by side: one for each core.
pub(crate) fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Runs all jobs, `workers` at a time, and prints a line for each. The output of a failed job is printed too.
pub(crate) fn run_all(jobs: Vec<Job>, workers: usize) -> Vec<Outcome> {
    let waiting = Mutex::new(jobs.into_iter());
    let ended = Mutex::new(Vec::new());
    let lock = |ended: &Mutex<Vec<Outcome>>, outcome| match ended.lock() {
        Ok(mut list) => list.push(outcome),
        Err(poisoned) => poisoned.into_inner().push(outcome),
    };
    std::thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().ok().and_then(|mut waiting| waiting.next());
                    let Some(job) = next else { break };
                    lock(&ended, run(job));
                }
            });
        }
    });
    ended.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn run(mut job: Job) -> Outcome {
    let started = Instant::now();
    let result = job.command.stdin(Stdio::null()).output();
    let seconds = started.elapsed().as_secs_f64();
    let (passed, told) = match result {
        Ok(output) if output.status.success() => {
            let shown = if job.shows {
                format!("\n{}", String::from_utf8_lossy(&output.stdout))
            } else {
                String::new()
            };
            (true, shown)
        }
        Ok(output) => {
            let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
            (false, format!("\n`{}` ({})\n{out}{err}", typed(&job.command), output.status))
        }
        Err(error) => (false, format!("\n`{}` did not start: {error}", typed(&job.command))),
    };
    // One call, so that the lines of two jobs do not mix.
    say(format!("   {:<7}{seconds:>6.1} s  {}{told}", if passed { "passed" } else { "FAILED" }, job.name));
    Outcome { name: job.name, seconds, passed }
}

/// The names of the jobs that failed, as an error.
pub(crate) fn failures(outcomes: &[Outcome]) -> Result<()> {
    let failed: Vec<&str> =
        outcomes.iter().filter(|outcome| !outcome.passed).map(|outcome| outcome.name.as_str()).collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(format!("{} of {} failed: {}", failed.len(), outcomes.len(), failed.join(", ")))
}

/// A program that cargo built.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Built {
    /// The name of cargo's target: `coop` for `tests/coop.rs`.
    pub(crate) name: String,
    /// Whether it is a test binary.
    pub(crate) is_test: bool,
    pub(crate) path: PathBuf,
    /// The folder of the package, in which cargo runs tests.
    pub(crate) package: PathBuf,
}

/// Builds every program, test and example of the workspace, and returns them in cargo's order.
///
/// All commands build them in this one way. Cargo would give a package that is built alone other features of its
/// dependencies, and would build these twice.
pub(crate) fn build() -> Result<Vec<Built>> {
    let command = &mut cargo(&["build", "--workspace", "--locked", "--bins", "--tests", "--examples"]);
    say(format!("== {}", typed(command)));
    command.arg("--message-format=json-render-diagnostics");
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let output = child
        .and_then(|child| child.wait_with_output())
        .map_err(|error| format!("`{}` did not start: {error}", typed(command)))?;
    if !output.status.success() {
        return Err(format!("`{}` failed ({})", typed(command), output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(built).collect())
}

/// The program that a line of cargo's messages tells of.
fn built(line: &str) -> Option<Built> {
    if json::text(line, "reason")? != "compiler-artifact" {
        return None;
    }
    Some(Built {
        path: PathBuf::from(json::text(line, "executable")?),
        name: json::text(line, "name")?.to_string(),
        is_test: line.split_once("\"profile\"")?.1.contains("\"test\":true"),
        package: Path::new(json::text(line, "manifest_path")?).parent()?.to_path_buf(),
    })
}

/// The program of that name, which is not a test binary.
pub(crate) fn program<'a>(built: &'a [Built], name: &str) -> Result<&'a Built> {
    let program = built.iter().find(|built| !built.is_test && built.name == name);
    program.ok_or_else(|| format!("there is no program `{name}`"))
}

/// The names of the tests of a test binary that contain `filter`.
pub(crate) fn tests_of(binary: &Built, filter: &str) -> Result<Vec<String>> {
    let mut list = Command::new(&binary.path);
    list.current_dir(&binary.package).args(["--list", "--format", "terse", filter]);
    let listed = output(&mut list)?;
    Ok(listed.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_string).collect())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;

    use super::{Built, Job, built, failures, run_all};

    #[test]
    fn programs_are_read_from_cargos_messages() {
        let line = r#"{"reason":"compiler-artifact","package_id":"path+file:///x/tests#orthrus-tests@0.1.0","manifest_path":"/x/tests/Cargo.toml","target":{"kind":["test"],"crate_types":["bin"],"name":"coop","src_path":"/x/tests/tests/coop.rs","edition":"2024","doc":false,"doctest":false,"test":true},"profile":{"opt_level":"1","debuginfo":1,"debug_assertions":true,"overflow_checks":true,"test":true},"features":[],"filenames":["/x/target/debug/deps/coop-34"],"executable":"/x/target/debug/deps/coop-34","fresh":true}"#;
        let coop = Built {
            name: "coop".to_string(),
            is_test: true,
            path: PathBuf::from("/x/target/debug/deps/coop-34"),
            package: PathBuf::from("/x/tests"),
        };
        assert_eq!(built(line), Some(coop));
        assert!(!built(&line.replace("true,\"test\":true},\"feat", "true},\"feat")).unwrap().is_test);
        assert_eq!(
            built(&line.replace("\"/x/target/debug/deps/coop-34\",\"fresh\"", "null,\"fresh\"")),
            None
        );
        assert_eq!(built(r#"{"reason":"build-finished","success":true}"#), None);
    }

    #[test]
    fn jobs_that_fail_are_named() {
        let job = |name: &str| Job {
            shows: false,
            name: name.to_string(),
            command: Command::new("no program of this name"),
        };
        assert_eq!(failures(&run_all(vec![job("a")], 2)), Err("1 of 1 failed: a".to_string()));
        assert_eq!(failures(&run_all(Vec::new(), 2)), Ok(()));
    }
}
