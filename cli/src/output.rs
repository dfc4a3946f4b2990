//! Writing to stdout and stderr without panics: a pipe may be closed.

use std::fmt::Display;
use std::io::{ErrorKind, Write, stderr, stdout};

use serde::Serialize;

use crate::error::{CliError, Result};

/// Writes text to stdout and flushes it.
pub(crate) fn show(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|source| match source.kind() {
        ErrorKind::BrokenPipe => CliError::StdoutClosed,
        _ => CliError::Io { what: "writing to stdout", source },
    })
}

/// Writes a value to stdout as JSON. JSON is the only output there, so that programs can parse stdout.
pub(crate) fn show_json(value: &impl Serialize, pretty: bool) -> Result<()> {
    let text = if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    let text = text.map_err(|error| CliError::Io { what: "writing JSON", source: error.into() })?;
    show(&format!("{text}\n"))
}

/// Writes a line to stderr. Nothing happens if stderr is closed.
pub(crate) fn note(line: impl Display) {
    let _ = writeln!(stderr(), "{line}");
}
