//! `orthrus`: the command line of the dual-view decoder.
//!
//! [`args`] has every flag, and [`commands`] has one module for each command. The text of an answer goes to stdout, and
//! everything else to stderr.

mod answer;
mod answer_report;
mod args;
mod bundled_model;
mod commands;
mod decode_options;
mod encode;
mod error;
mod interrupt;
mod logging;
mod model_source;
mod output;
mod progress_line;
mod prompts;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use commands::{adapters, bench, chat, generate, info, verify};
use output::note;

fn main() -> ExitCode {
    quiet_mesa();
    let args = Args::parse();
    logging::start(args.verbose);
    let outcome = match &args.command {
        Command::Generate(args) => generate::run(args),
        Command::Chat(args) => chat::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Info(args) => info::run(args),
        Command::Adapters(args) => adapters::run(args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = error.exit_code();
            if code != 0 {
                note(format!("error: {}", error.one_line()));
            }
            ExitCode::from(code)
        }
    }
}

/// Switches off a layer of Mesa's Vulkan that lets users choose a device by hand.
///
/// Without a desktop session, the layer prints an error about a missing directory. This program chooses adapters
/// itself.
fn quiet_mesa() {
    let set = |name| std::env::var_os(name).is_some();
    if !set("XDG_RUNTIME_DIR") && !set("MESA_VK_DEVICE_SELECT") {
        // SAFETY: this is the first thing that the program does, so no other thread reads the environment.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}
