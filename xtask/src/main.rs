//! `cargo xtask …`: the commands of this repository.
//!
//! The package has no dependencies, so that cargo builds it in a second.
//!
//! | command | module |
//! |---|---|
//! | `test` | [`mod@test`], with [`web_test`] for the web page |
//! | `coop-test` | [`coop_test`], on the driver of [`mesa`] |
//! | `demo`, `lossless` | [`demo`], [`lossless`], with the program of [`program`] |
//! | `web`, `web-test` | [`web`], [`web_test`] |

mod commands;
mod compare;
mod coop_test;
mod demo;
mod jobs;
mod json;
mod kernels;
mod lossless;
mod mesa;
mod packages;
mod program;
mod test;
mod tiers;
mod vulkan;
mod web;
mod web_test;

use std::process::ExitCode;

use commands::say;

const HELP: &str = "\
cargo xtask compare OLD NEW [TIER]
                         time two `orthrus` programs on this GPU, alternating: the passes of the 1.7B and the 8B
cargo xtask coop-test    the tests of tier coop, on the newest Mesa software driver
cargo xtask demo         build the program and watch it decode, on the GPU or on a software adapter
cargo xtask kernels [NAME]
                         test every kernel on every tier: a table of what passed, what was skipped and why, and time
cargo xtask lossless ADAPTER TIER[,TIER…] [LIMIT] [--write]
                         verify prompts in both views, greedily and sampled; --write puts the table into LOSSLESS.md
cargo xtask test         all checks but coop-test: formatting, clippy, tests, documentation, the web page
cargo xtask web [PORT]   build the web page and serve it on localhost (port 8080)
cargo xtask web-test     test the web page in a headless Chromium

On Debian-like systems the commands install what they lack, and say so: Mesa's software Vulkan driver, Chromium, Node.js,
a Rust that builds for browsers. coop-test installs nothing: it unpacks its driver into the folder target/mesa and keeps
it. Remove the folder for a newer driver.

ORTHRUS_REQUIRE_TIERS=baseline,subgroup,coop makes a tier that a command skips a failure.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        ["compare", old, new] => compare::run(old, new, "coop"),
        ["compare", old, new, tier] => compare::run(old, new, tier),
        ["coop-test"] => coop_test::run(),
        ["demo"] => demo::run(),
        ["kernels"] => kernels::run(None),
        ["kernels", filter] => kernels::run(Some(filter)),
        ["lossless", adapter, tiers, ref rest @ ..] if lossless::is_valid(rest) => {
            let limit = rest.iter().copied().find(|word| *word != lossless::WRITE);
            lossless::run(adapter, tiers, limit, rest.contains(&lossless::WRITE))
        }
        ["test"] => test::run(),
        ["web"] => web::serve("8080"),
        ["web", port] if port.parse::<u16>().is_ok() => web::serve(port),
        ["web-test"] => web_test::test(),
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
