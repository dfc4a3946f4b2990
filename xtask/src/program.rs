//! The program `orthrus`, built and run as a newcomer does it.

use std::process::Command;

use crate::commands::{self, Result, built, cargo, root, say, typed};
use crate::vulkan;

/// Builds the program, and makes sure that there is a driver for it.
pub(crate) fn build() -> Result<()> {
    vulkan::ensure()?;
    let mut build = cargo(&["build", "--release", "--locked", "--package", "orthrus-cli"]);
    say(format!("Building the program (the first time takes minutes): {}", typed(&build)));
    commands::run(&mut build)
}

/// A command that runs the program in the repository's root, by default with the bundled model.
pub(crate) fn command() -> Command {
    let mut command = Command::new(built("release", "orthrus"));
    command.current_dir(root()).env_remove("ORTHRUS_MODEL");
    command
}
