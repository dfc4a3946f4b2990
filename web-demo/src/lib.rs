//! The engine for web pages, through wasm-bindgen. Crates and kernels are those of the desktop.
//!
//! - An [`Engine`](engine::Engine) is the browser's GPU.
//! - A [`Model`](model::Model) is a checkpoint's weights on that GPU, with its tokenizer and chat template.
//! - A [`Lane`](lane::Lane) decodes one text at a time, as a sequence of runs.
//!
//! Calls that wait return promises. Errors are `Error` objects with a [`kind`](error::Kind), which tells a page what to
//! advise.
//!
//! The library belongs in a worker. Only a worker has the `FileReaderSync` that reads the user's files, and compiling
//! kernels would block a page.

#![cfg(target_arch = "wasm32")]

mod engine;
mod error;
mod files;
mod lane;
mod model;
mod object;

use wasm_bindgen::prelude::*;

/// Prints panics to the console: the trap that ends a WebAssembly program carries no message.
#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| web_sys::console::error_1(&panic.to_string().into())));
}
