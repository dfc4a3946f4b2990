//! `cargo xtask web-test`: the web page in a headless browser on a software GPU.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::commands::{Result, find_program, root, run, say, succeeds, target, typed};
use crate::jobs::{self, Built};
use crate::{packages, vulkan, web};

/// The page is not at the root of its server, as on many hosts.
const SUB_PATH: &str = "some/path";

/// The oldest Node.js that takes all flags of the tests.
const NODE: &str = "Node.js 18.19 or newer";

/// What the tests need of the machine.
pub(crate) struct Tools {
    chromium: Option<PathBuf>,
    npm: PathBuf,
}

/// Programs of the workspace that the tests run.
pub(crate) struct Programs {
    orthrus: PathBuf,
    site: PathBuf,
    /// An example of the shaders' package.
    write_kernels: PathBuf,
}

impl Programs {
    /// The programs among those that cargo built.
    pub(crate) fn of(built: &[Built]) -> Result<Programs> {
        let program = |name| jobs::program(built, name).map(|program| program.path.clone());
        Ok(Programs {
            orthrus: program("orthrus")?,
            site: program("orthrus-site")?,
            write_kernels: program("write_kernels")?,
        })
    }
}

/// Builds the page and the programs, and runs the tests.
pub(crate) fn test() -> Result<()> {
    // The page's answers are compared with those of the native program.
    vulkan::ensure()?;
    let tools = tools()?;
    let web::Build { mut command, wasm } = web::build()?;
    say(format!("Building the engine for browsers (the first time takes minutes): {}", typed(&command)));
    run(&mut command)?;
    let programs = Programs::of(&jobs::build()?)?;
    let mut tests = command_for(&tools, &programs, &wasm)?;
    say(format!("== {}", typed(&tests)));
    run(&mut tests)
}

/// Finds Chromium and Node.js, or installs them.
pub(crate) fn tools() -> Result<Tools> {
    Ok(Tools { chromium: chromium()?, npm: npm()? })
}

/// Puts the page together from the compiled engine, and returns the command that tests it.
pub(crate) fn command_for(tools: &Tools, programs: &Programs, wasm: &Path) -> Result<Command> {
    let folder = target().join("web-test");
    run(&mut web::pack(Command::new(&programs.site), wasm, &folder.join("root").join(SUB_PATH)))?;
    let kernels = folder.join("kernels");
    run(Command::new(&programs.write_kernels).current_dir(root()).arg("baseline").arg(&kernels))?;

    let web_demo = root().join("web-demo");
    let mut install = Command::new(&tools.npm);
    run(install.current_dir(&web_demo).args(["ci", "--no-audit", "--no-fund", "--silent"]))?;
    let mut tests = Command::new("node");
    tests.current_dir(&web_demo).args(["--test", "--test-concurrency=1", "--test-reporter=spec"]);
    // Node.js versions differ in which files of a folder they take for tests.
    tests.args(["test/engine.test.mjs", "test/failures.test.mjs", "test/page.test.mjs"]);
    tests.env("ORTHRUS_SITE_ROOT", folder.join("root")).env("ORTHRUS_SITE_PATH", SUB_PATH);
    tests.env("ORTHRUS_SITE", &programs.site).env("ORTHRUS", &programs.orthrus);
    tests.env("ORTHRUS_KERNELS", kernels).env("ORTHRUS_SCREENSHOTS", folder.join("screenshots"));
    tests.env_remove("ORTHRUS_MODEL").env("NODEVICE_SELECT", "1");
    if let Some(chromium) = &tools.chromium {
        tests.env("ORTHRUS_CHROMIUM", chromium);
    }
    Ok(tests)
}

/// The path of a browser with WebGPU, which is installed where that is possible. `None`: playwright finds Chrome itself.
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

/// The path of Node's package manager. It and Node.js are installed where that is possible.
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
