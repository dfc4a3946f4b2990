//! Assembles the web page from its parts, and serves it. `cargo xtask web` builds the parts and calls this program.

mod pack;
mod serve;

use std::path::Path;
use std::process::ExitCode;

const HELP: &str = "\
orthrus-site pack WASM PAGE MODEL OUT   assemble OUT: WASM completed by wasm-bindgen, the files of PAGE, the model
orthrus-site serve FOLDER PORT          serve a folder on localhost; port 0 takes any free port";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        ["pack", wasm, page, model, out] => {
            pack::pack(Path::new(wasm), Path::new(page), Path::new(model), Path::new(out))
        }
        ["serve", folder, port] => serve::serve(Path::new(folder), port),
        _ => Err(HELP.to_string()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}
