//! Errors of the commands: what the user reads, and the exit code.

use orthrus_loader::{LoadError, TextError};

/// The result of a command or of a part of it.
pub(crate) type Result<T> = std::result::Result<T, CliError>;

/// The reason why a command ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The arguments make no sense, or make none for this model.
    #[error("{0}")]
    Usage(String),

    /// The engine failed or refused a request.
    #[error(transparent)]
    Engine(#[from] orthrus::Error),

    /// The checkpoint could not be read.
    #[error(transparent)]
    Load(#[from] LoadError),

    /// Text could not be encoded, or ids could not be decoded.
    #[error(transparent)]
    Text(#[from] TextError),

    /// Reading or writing failed.
    #[error("{what} failed")]
    Io {
        /// The action that failed, such as "reading stdin".
        what: &'static str,
        /// The error of the operating system.
        source: std::io::Error,
    },

    /// No handler for Ctrl-C could be installed.
    #[error("Ctrl-C cannot be caught")]
    Signal(#[from] ctrlc::Error),

    /// Some turns of a chat without a terminal were not answered. Each reason is on stderr already.
    #[error("turns not answered: {0}")]
    Unanswered(usize),

    /// Dual-view decoding and AR decoding gave different ids.
    #[error(
        "the views give different ids for {different} of the prompts: please report this with the output"
    )]
    Different {
        /// Number of prompts.
        different: usize,
    },

    /// Nobody reads what `verify` finds, and prompts are left. Success would say that all ids are the same.
    #[error("stdout was closed before all prompts were verified")]
    Unverified,

    /// Nobody reads stdout any more. This is no failure, but nothing is left to do.
    #[error("stdout is closed")]
    StdoutClosed,
}

impl CliError {
    pub(crate) fn usage(message: impl Into<String>) -> CliError {
        CliError::Usage(message.into())
    }

    /// The program's exit code: 0 success, 1 a run that failed, 2 bad usage.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            CliError::StdoutClosed => 0,
            CliError::Usage(_) => 2,
            CliError::Engine(error) if is_usage(error) => 2,
            _ => 1,
        }
    }

    /// The message and the messages of its causes, in one line.
    pub(crate) fn one_line(&self) -> String {
        one_line(self)
    }
}

/// Whether the engine refused a request before it tried anything.
fn is_usage(error: &orthrus::Error) -> bool {
    use orthrus::Error::*;
    matches!(
        error,
        AdapterNotFound { .. }
            | AdapterUnsuitable { .. }
            | TierUnsupported { .. }
            | NoDiffusionView
            | BlockSize { .. }
            | PrefillRows { .. }
            | EmptyPrompt
            | EmptyBudget
            | IdOutOfRange { .. }
            | ContextFull { .. }
            | ContextSize { .. }
            | Sampling { .. }
    )
}

/// The messages of an error and its causes. A cause is left out if a message before it contains its text.
fn one_line(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
        cause = error.source();
    }
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
