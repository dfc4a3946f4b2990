//! `cargo xtask web-test`: the web page in a headless browser on a software GPU.

use std::path::PathBuf;
use std::process::Command;

use crate::commands::{Result, built, cargo, find_program, root, run, say, succeeds, target, typed};
use crate::{packages, vulkan, web};

/// The page is not at the root of its server, as on many hosts.
const SUB_PATH: &str = "some/path";

/// The first to take all flags of the tests.
const NODE: &str = "Node.js 18.19 or newer";

/// Builds everything that the tests compare, and runs them.
pub(crate) fn test() -> Result<()> {
    // The native program's answers are what the page's are compared with.
    vulkan::ensure()?;
    let chromium = chromium()?;
    let npm = npm()?;
    let folder = target().join("web-test");
    web::build_into(&folder.join("root").join(SUB_PATH))?;
    run(&mut cargo(&["build", "--locked", "--package", "orthrus-cli", "--package", "orthrus-site"]))?;
    let kernels = folder.join("kernels");
    let write = ["run", "--quiet", "--locked", "--package", "orthrus-shaders", "--example", "write_kernels"];
    run(cargo(&write).args(["--", "baseline"]).arg(&kernels))?;

    let web_demo = root().join("web-demo");
    let mut install = Command::new(&npm);
    run(install.current_dir(&web_demo).args(["ci", "--no-audit", "--no-fund", "--silent"]))?;
    let mut tests = Command::new("node");
    tests.current_dir(&web_demo).args(["--test", "--test-concurrency=1", "--test-reporter=spec"]);
    // By name: what a folder means has changed from one Node.js to the next.
    tests.args(["test/engine.test.mjs", "test/failures.test.mjs", "test/page.test.mjs"]);
    tests.env("ORTHRUS_SITE_ROOT", folder.join("root")).env("ORTHRUS_SITE_PATH", SUB_PATH);
    tests.env("ORTHRUS_SITE", built("debug", "orthrus-site")).env("ORTHRUS", built("debug", "orthrus"));
    tests.env("ORTHRUS_KERNELS", kernels).env("ORTHRUS_SCREENSHOTS", folder.join("screenshots"));
    tests.env_remove("ORTHRUS_MODEL").env("NODEVICE_SELECT", "1");
    if let Some(chromium) = chromium {
        tests.env("ORTHRUS_CHROMIUM", chromium);
    }
    say(format!("== {}", typed(&tests)));
    run(&mut tests)
}

/// A browser with WebGPU, installed where we know how. `None`: playwright looks for Chrome where it usually is.
fn chromium() -> Result<Option<PathBuf>> {
    if !cfg!(target_os = "linux") {
        return Ok(None);
    }
    let find = || ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(find_program);
    if find().is_none() && packages::can_install() {
        packages::install("there is no Chromium", &["chromium"])?;
    }
    match find() {
        Some(program) => Ok(Some(program)),
        None => Err("the web page is tested in Chromium: install it, or Google Chrome".to_string()),
    }
}

/// Node's package manager, with Node.
fn npm() -> Result<PathBuf> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let find = || find_program("node").and_then(|_| find_program(npm));
    if find().is_none() && packages::can_install() {
        packages::install("there is no Node.js", &["nodejs", "npm"])?;
    }
    let npm = find().ok_or(format!("the web page's tests run in {NODE}: install it, with npm"))?;
    match succeeds(Command::new("node").args(["--test", "--test-concurrency=1", "--help"])) {
        true => Ok(npm),
        false => Err(format!("the web page's tests need {NODE}")),
    }
}
