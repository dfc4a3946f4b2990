//! `cargo xtask …`: the commands of this repository. Without dependencies, so that they start at once.

mod commands;
mod demo;
mod json;
mod test;
mod vulkan;

use std::process::ExitCode;

use commands::say;

const HELP: &str = "\
cargo xtask demo   build the program and watch it decode, on the GPU or on a software adapter
cargo xtask test   all checks: formatting, clippy, tests, documentation

Both install Mesa's software Vulkan driver where a Debian-like system has no Vulkan driver at all.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        ["demo"] => demo::run(),
        ["test"] => test::run(),
        ["help" | "--help" | "-h"] => {
            say(HELP);
            return ExitCode::SUCCESS;
        }
        [] => {
            commands::complain(HELP);
            return ExitCode::from(2);
        }
        _ => {
            commands::complain(format!("error: there is no command `{}`\n\n{HELP}", arguments.join(" ")));
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            commands::complain(format!("error: {reason}"));
            ExitCode::FAILURE
        }
    }
}
