//! Puts the web page together from its parts, and serves it. `cargo xtask web` calls it with what it built.

mod pack;
mod serve;

use std::path::Path;
use std::process::ExitCode;

const HELP: &str = "\
orthrus-site pack WASM PAGE MODEL OUT   put WASM, completed by wasm-bindgen, the files of PAGE and the model into OUT
orthrus-site serve FOLDER PORT          serve a folder on localhost; port 0 takes any that is free";

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
