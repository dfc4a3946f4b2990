//! `cargo xtask web`: builds the web page and serves it. The web page's tests build it with the same functions.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::commands::{Result, cargo, find_program, output, root, run, say, succeeds, target, typed};
use crate::packages;

const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's Rust, with the source of the standard library. Cargo can compile that source for browsers.
const PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// The build, without its target.
const BUILD: [&str; 6] = ["build", "--locked", "--package", "orthrus-web", "--profile", "web"];

/// Builds the page into `target/web` and serves it on localhost until stopped.
pub(crate) fn serve(port: &str) -> Result<()> {
    let site = target().join("web");
    build_into(&site)?;
    say(format!(
        "\nThe page is in {}, which any static host can serve. Ctrl-C ends this one:",
        site.display()
    ));
    run(site_program().arg("serve").arg(&site).arg(port).env("RUST_BACKTRACE", "0"))
}

/// Builds the page into a folder.
pub(crate) fn build_into(site: &Path) -> Result<()> {
    let Build { mut command, wasm } = build()?;
    say(format!("Building the engine for browsers (the first time takes minutes): {}", typed(&command)));
    run(&mut command)?;
    run(&mut pack(site_program(), &wasm, site))
}

/// A command that puts the page together from the compiled engine, by the program `orthrus-site`.
pub(crate) fn pack(mut program: Command, wasm: &Path, site: &Path) -> Command {
    let (page, model) = (root().join("web-demo/page"), root().join("models/tiny"));
    program.arg("pack").args([wasm, &page, &model, site]);
    program
}

/// The program that puts the page together and serves it, built on the way.
fn site_program() -> Command {
    cargo(&["run", "--quiet", "--locked", "--package", "orthrus-site", "--"])
}

/// How to compile the engine for browsers.
pub(crate) struct Build {
    pub(crate) command: Command,
    /// The file that the command leaves.
    pub(crate) wasm: PathBuf,
}

/// Finds a compiler for browsers, or installs one.
pub(crate) fn build() -> Result<Build> {
    let (command, target) = if has_target() || add_target() {
        (cargo(&[&BUILD[..], &["--target", TARGET]].concat()), target())
    } else {
        // Another compiler needs another folder.
        let target = target().join("web-build");
        (debian_cargo(&target)?, target)
    };
    Ok(Build { command, wasm: target.join(TARGET).join("web/orthrus_web.wasm") })
}

/// Whether this toolchain has a standard library for browsers.
fn has_target() -> bool {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.current_dir(root()).args(["--print", "target-libdir", "--target", TARGET]);
    output(&mut rustc).is_ok_and(|folder| Path::new(folder.trim()).is_dir())
}

/// Installs the standard library for browsers with rustup. `false`: there is no rustup, or it failed.
fn add_target() -> bool {
    if find_program("rustup").is_none() {
        return false;
    }
    let mut add = Command::new("rustup");
    add.current_dir(root()).args(["target", "add", TARGET]);
    say(format!("This toolchain cannot build for browsers: {}", typed(&add)));
    succeeds(&mut add) && has_target()
}

/// The build with Debian's compiler. It compiles the standard library too.
fn debian_cargo(target: &Path) -> Result<Command> {
    let source = Path::new("/usr/lib/rustlib/src/rust/library");
    if ![Path::new(DEBIAN_CARGO), Path::new(DEBIAN_RUSTC), source].iter().all(|path| path.exists()) {
        if !packages::can_install() {
            return Err(format!(
                "install the target {TARGET} for this Rust toolchain: rustup target add {TARGET}"
            ));
        }
        packages::install(&format!("rustup cannot bring the target {TARGET}"), &PACKAGES)?;
    }
    let standard_library = ["-Zbuild-std=std,panic_abort", "--target", TARGET];
    let mut command = Command::new(DEBIAN_CARGO);
    command.current_dir(root()).args(BUILD).args(standard_library);
    // Released compilers build a standard library only when told that they may.
    command.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", target);
    // Rustup sets these variables for its own toolchain.
    for variable in ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTC_WRAPPER"] {
        command.env_remove(variable);
    }
    command.env("PATH", path_with_linker());
    Ok(command)
}

/// `PATH` with the folder of `rust-lld` in front. Debian's compiler lacks this linker, and rustup's toolchains have it.
fn path_with_linker() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let sysroot = output(Command::new("rustc").current_dir(root()).args(["--print", "sysroot"]));
    let folder = sysroot.ok().map(|sysroot| {
        let machine = format!("{}-unknown-linux-gnu", env::consts::ARCH);
        Path::new(sysroot.trim()).join("lib/rustlib").join(machine).join("bin")
    });
    let folders = folder.into_iter().chain(env::split_paths(&path).collect::<Vec<_>>());
    env::join_paths(folders).unwrap_or(path)
}
