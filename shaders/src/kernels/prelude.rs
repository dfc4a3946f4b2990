//! WGSL declarations of the constants that host and kernels share.

use std::fmt::Write;

use crate::constants::{NO_ID, SHARED};
use crate::params::{Acceptance, CycleResult, Finish, Purpose};
use crate::variants::Mask;

/// Index of the first target token in a [`CycleResult`], in words.
const RESULT_TARGET_TOKENS: u32 = (std::mem::offset_of!(CycleResult, target_tokens) / 4) as u32;

/// Shared constants that are no plain numbers: the values of enums, and a place in a struct.
fn derived_constants() -> [(&'static str, u32); 15] {
    [
        ("RESULT_TARGET_TOKENS", RESULT_TARGET_TOKENS),
        ("NO_ID", NO_ID),
        ("RUNNING", Finish::Running as u32),
        ("STOP", Finish::Stop as u32),
        ("LENGTH", Finish::Length as u32),
        ("INVALID", Finish::Invalid as u32),
        ("GREEDY", Acceptance::Greedy as u32),
        ("COUPLED", Acceptance::Coupled as u32),
        ("REJECTION", Acceptance::Rejection as u32),
        ("CAUSAL", Mask::Causal as u32),
        ("BLOCK", Mask::Block as u32),
        ("FOR_TEXT", Purpose::Text as u32),
        ("FOR_DRAFT", Purpose::Draft as u32),
        ("FOR_ACCEPT", Purpose::Accept as u32),
        ("FOR_RESIDUAL", Purpose::Residual as u32),
    ]
}

/// Declares the shared constants that `wgsl` uses.
pub(crate) fn prelude(wgsl: &str) -> String {
    let words: std::collections::HashSet<&str> =
        wgsl.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let shared = SHARED.iter().map(|&(name, value)| (name, value as u32)).chain(derived_constants());
    let mut text = String::new();
    for (name, value) in shared.filter(|(name, _)| words.contains(name)) {
        let _ = writeln!(text, "const {name}: u32 = {value}u;");
    }
    text
}
