//! Errors as pages see them: an `Error` with the engine's message, and a `kind` that decides what to advise.

use js_sys::Reflect;
use orthrus::Error;
use orthrus::loader::{LoadError, TextError};
use wasm_bindgen::JsValue;

/// What a page can do about an error.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// There is no GPU that will do.
    NoAdapter,
    /// The GPU or its driver failed: only a new engine helps.
    DeviceFailed,
    /// The GPU is gone: likewise.
    DeviceLost,
    /// The GPU has no room.
    OutOfMemory,
    /// The adapter's limits do not allow it.
    TooLarge,
    /// The checkpoint is not one, or damaged.
    Checkpoint,
    /// A file could not be downloaded.
    Download,
    /// Stopped, as asked.
    Cancelled,
    /// What was asked makes no sense.
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

/// An error for JavaScript.
pub(crate) fn js_error(kind: Kind, message: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    // Fails for frozen objects only.
    let _ = Reflect::set(&error, &"kind".into(), &kind.name().into());
    error.into()
}

/// What the engine says.
pub(crate) fn engine(error: Error) -> JsValue {
    js_error(Kind::of(&error), &error.to_string())
}

/// What the loader says.
pub(crate) fn load(error: LoadError) -> JsValue {
    js_error(Kind::Checkpoint, &error.to_string())
}

/// What tokenizer and chat template say.
pub(crate) fn text(error: TextError) -> JsValue {
    js_error(Kind::Checkpoint, &error.to_string())
}
