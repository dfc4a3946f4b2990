//! `cargo xtask web-test`: the web page in a headless browser on a software GPU.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::commands::{Result, cargo, find_program, root, run, say, succeeds, typed};
use crate::{packages, vulkan, web};

/// The page is not at the root of its server, as on many hosts.
const SUB_PATH: &str = "some/path";

/// Builds everything that the tests compare, and runs them.
pub(crate) fn test() -> Result<()> {
    // The native program's answers are what the page's are compared with.
    vulkan::ensure()?;
    let chromium = chromium()?;
    let npm = npm()?;
    let folder = web::target().join("web-test");
    web::build_into(&folder.join("root").join(SUB_PATH))?;
    run(&mut cargo(&["build", "--locked", "--package", "orthrus-cli", "--package", "orthrus-site"]))?;
    let kernels = folder.join("kernels");
    let write = ["run", "--quiet", "--locked", "--package", "orthrus-shaders", "--example", "write_kernels"];
    run(cargo(&write).args(["--", "baseline"]).arg(&kernels))?;

    let web_demo = root().join("web-demo");
    let mut install = Command::new(&npm);
    run(install.current_dir(&web_demo).args(["ci", "--no-audit", "--no-fund", "--silent"]))?;
    let program = |name: &str| web::target().join("debug").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    let mut tests = Command::new("node");
    tests.current_dir(&web_demo).args(["--test", "--test-concurrency=1", "--test-reporter=spec", "test/"]);
    tests.env("ORTHRUS_SITE_ROOT", folder.join("root")).env("ORTHRUS_SITE_PATH", SUB_PATH);
    tests.env("ORTHRUS_SITE", program("orthrus-site")).env("ORTHRUS", program("orthrus"));
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
    let find = || find_program("node").and_then(|_| find_program("npm").or_else(|| find_program("npm.cmd")));
    if find().is_none() && packages::can_install() {
        packages::install("there is no Node.js", &["nodejs", "npm"])?;
    }
    let npm = find().ok_or("the web page's tests run in Node.js 18 or newer: install it, with npm")?;
    // `node --test` with concurrency and a folder came with 20.
    match succeeds(Command::new("node").args(["--test", "--test-concurrency=1", "--help"])) {
        true => Ok(npm),
        false => Err("the web page's tests need a newer Node.js".to_string()),
    }
}
