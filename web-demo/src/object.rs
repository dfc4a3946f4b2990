//! Rust values as plain JavaScript objects.

use serde::Serialize;
use wasm_bindgen::JsValue;

/// A plain JavaScript object with the fields of `value`.
pub(crate) fn object(value: &impl Serialize) -> Result<JsValue, JsValue> {
    Ok(serde_wasm_bindgen::to_value(value)?)
}
