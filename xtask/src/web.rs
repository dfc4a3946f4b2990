//! `cargo xtask web`: the web page, built and served; and what `web_test.rs` builds it with.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::commands::{Result, cargo, find_program, output, root, run, say, succeeds, target, typed};
use crate::packages;

const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's Rust with the source of its standard library, which can be compiled for browsers.
const PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// What to compile, but for the target.
const BUILD: [&str; 6] = ["build", "--locked", "--package", "orthrus-web", "--profile", "web"];

/// Builds the page into `target/web` and serves it on localhost until stopped.
pub(crate) fn serve(port: &str) -> Result<()> {
    let site = target().join("web");
    build_into(&site)?;
    say(format!(
        "\nThe page is in {}, which any static host can serve. Ctrl-C ends this one:",
        site.display()
    ));
    run(site_program(&["serve", &site.to_string_lossy(), port]).env("RUST_BACKTRACE", "0"))
}

/// Builds the page into a folder.
pub(crate) fn build_into(site: &Path) -> Result<()> {
    let wasm = build()?;
    let (page, model) = (root().join("web-demo/page"), root().join("models/tiny"));
    let folders = [&wasm, &page, &model, &site.to_path_buf()].map(|path| path.to_string_lossy().into_owned());
    let folders = folders.each_ref().map(String::as_str);
    run(&mut site_program(&[&["pack"][..], &folders].concat()))
}

/// The program that puts the page together and serves it.
pub(crate) fn site_program(arguments: &[&str]) -> Command {
    cargo(&[&["run", "--quiet", "--locked", "--package", "orthrus-site", "--"], arguments].concat())
}

/// Compiles the engine for browsers, and says where it is.
fn build() -> Result<PathBuf> {
    let (mut command, target) = if has_target() || add_target() {
        (cargo(&[&BUILD[..], &["--target", TARGET]].concat()), target())
    } else {
        // Another compiler, whose results are its own.
        let target = target().join("web-build");
        (debian_cargo(&target)?, target)
    };
    say(format!("Building the engine for browsers (the first time takes minutes): {}", typed(&command)));
    run(&mut command)?;
    Ok(target.join(TARGET).join("web/orthrus_web.wasm"))
}

/// Whether this toolchain has a standard library for browsers.
fn has_target() -> bool {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.current_dir(root()).args(["--print", "target-libdir", "--target", TARGET]);
    output(&mut rustc).is_ok_and(|folder| Path::new(folder.trim()).is_dir())
}

/// Has rustup bring it, if it can.
fn add_target() -> bool {
    if find_program("rustup").is_none() {
        return false;
    }
    let mut add = Command::new("rustup");
    add.current_dir(root()).args(["target", "add", TARGET]);
    say(format!("This toolchain cannot build for browsers: {}", typed(&add)));
    succeeds(&mut add) && has_target()
}

/// The build by Debian's compiler, standard library included.
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
    // What cargo of rustup sets for us is about its own toolchain.
    for variable in ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTC_WRAPPER"] {
        command.env_remove(variable);
    }
    command.env("PATH", path_with_linker());
    Ok(command)
}

/// The path with `rust-lld` on it, which Debian's compiler lacks: rustup's toolchains have one.
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
