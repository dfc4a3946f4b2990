//! The engine for web pages: the same crates and kernels as on the desktop, through wasm-bindgen.
//!
//! An [`Engine`](engine::Engine) is the browser's GPU, a [`Model`](model::Model) a checkpoint's weights on it, and a
//! [`Lane`](lane::Lane) decodes one text at a time, as a stream of runs. Everything that can take long is a promise.
//! Errors are `Error` objects whose `kind` says what a page can do about them (`error.rs`).
//!
//! Meant for a worker: reading one's own files needs a worker's `FileReaderSync`, and compiling kernels would hold up
//! a page.

#![cfg(target_arch = "wasm32")]

mod engine;
mod error;
mod files;
mod lane;
mod model;
mod object;

use wasm_bindgen::prelude::*;

/// A panic ends the program in a trap that says nothing. What it was is in the console then.
#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| web_sys::console::error_1(&panic.to_string().into())));
}
