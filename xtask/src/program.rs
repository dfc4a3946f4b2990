//! The command line, built and run as a newcomer would.

use std::process::Command;

use crate::commands::{self, Result, built, cargo, root, say, typed};
use crate::vulkan;

/// Builds it, and sees to a driver that it can run on.
pub(crate) fn build() -> Result<()> {
    vulkan::ensure()?;
    let mut build = cargo(&["build", "--release", "--locked", "--package", "orthrus-cli"]);
    say(format!("Building the program (the first time takes minutes): {}", typed(&build)));
    commands::run(&mut build)
}

/// Runs it in the repository's root, with the bundled model unless it is told another.
pub(crate) fn command() -> Command {
    let mut command = Command::new(built("release", "orthrus"));
    command.current_dir(root()).env_remove("ORTHRUS_MODEL");
    command
}
