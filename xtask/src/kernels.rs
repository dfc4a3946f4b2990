//! `cargo xtask kernels`: a table of every kernel on every tier.

use crate::commands::{self, Result, cargo};
use crate::vulkan;

/// Tests each kernel, or those whose names contain `filter`, and prints what became of them.
pub(crate) fn run(filter: Option<&str>) -> Result<()> {
    vulkan::ensure()?;
    let mut program =
        cargo(&["run", "--quiet", "--locked", "--package", "orthrus-tests", "--bin", "kernels", "--"]);
    program.args(filter);
    commands::run(&mut program)
}
