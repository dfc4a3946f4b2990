//! Errors for JavaScript: an `Error` with the engine's message, and a `kind` that decides what a page advises.

use js_sys::Reflect;
use orthrus::Error;
use orthrus::loader::{LoadError, TextError};
use wasm_bindgen::JsValue;

/// The class of an error, by what a page can do about it.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// No GPU is suitable.
    NoAdapter,
    /// The GPU or its driver failed. Only a new engine helps.
    DeviceFailed,
    /// The GPU was lost. Only a new engine helps.
    DeviceLost,
    /// GPU memory is short.
    OutOfMemory,
    /// The model exceeds the adapter's limits.
    TooLarge,
    /// The files are no checkpoint, or a damaged one.
    Checkpoint,
    /// A file could not be downloaded.
    Download,
    /// The caller stopped the work.
    Cancelled,
    /// The request is invalid.
    Request,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::NoAdapter => "no-adapter",
            Kind::DeviceFailed => "device-failed",
            Kind::DeviceLost => "device-lost",
            Kind::OutOfMemory => "out-of-memory",
            Kind::TooLarge => "too-large",
            Kind::Checkpoint => "checkpoint",
            Kind::Download => "download",
            Kind::Cancelled => "cancelled",
            Kind::Request => "request",
        }
    }

    fn of(error: &Error) -> Kind {
        match error {
            Error::NoAdapter { .. } | Error::AdapterUnsuitable { .. } | Error::OpenDevice { .. } => {
                Kind::NoAdapter
            }
            Error::Device(_) => Kind::DeviceFailed,
            Error::DeviceLost(_) => Kind::DeviceLost,
            Error::OutOfMemory { .. } => Kind::OutOfMemory,
            Error::TooLarge { .. } | Error::Unsupported { .. } => Kind::TooLarge,
            Error::Load(_)
            | Error::WeightOverflow { .. }
            | Error::WeightNotFinite { .. }
            | Error::InvalidLogits { .. } => Kind::Checkpoint,
            Error::Cancelled => Kind::Cancelled,
            _ => Kind::Request,
        }
    }
}

/// A JavaScript `Error` with a `kind`.
pub(crate) fn js_error(kind: Kind, message: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    // Setting a property fails only on frozen objects.
    let _ = Reflect::set(&error, &"kind".into(), &kind.name().into());
    error.into()
}

/// An error of the engine for JavaScript.
pub(crate) fn engine(error: Error) -> JsValue {
    js_error(Kind::of(&error), &error.to_string())
}

/// An error of the loader for JavaScript.
pub(crate) fn load(error: LoadError) -> JsValue {
    js_error(Kind::Checkpoint, &error.to_string())
}

/// An error of the tokenizer or chat template for JavaScript.
pub(crate) fn text(error: TextError) -> JsValue {
    js_error(Kind::Checkpoint, &error.to_string())
}
