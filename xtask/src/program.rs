//! The program `orthrus`, built and run as a newcomer does it.

use std::process::Command;

use crate::commands::{self, Result, built, cargo, root, say, typed};
use crate::vulkan;

/// A program to use instead of one that is built here: for machines without Rust.
const PREBUILT: &str = "ORTHRUS_PROGRAM";

/// Builds the program, and makes sure that there is a driver for it.
pub(crate) fn build() -> Result<()> {
    if std::env::var_os(PREBUILT).is_some() {
        return Ok(());
    }
    vulkan::ensure()?;
    let mut build = cargo(&["build", "--release", "--locked", "--package", "orthrus-cli"]);
    say(format!("Building the program (the first time takes minutes): {}", typed(&build)));
    commands::run(&mut build)
}

/// A command that runs the program in the repository's root, by default with the bundled model.
pub(crate) fn command() -> Command {
    let mut command = Command::new(std::env::var_os(PREBUILT).unwrap_or(built("release", "orthrus").into()));
    command.current_dir(root()).env_remove("ORTHRUS_MODEL");
    command
}
