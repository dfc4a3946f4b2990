//! Why a command failed, as the shell and the user see it.

use orthrus_loader::{LoadError, TextError};

/// Results of the commands.
pub(crate) type Result<T> = std::result::Result<T, CliError>;

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// What was asked for makes no sense, or not with this checkpoint.
    #[error("{0}")]
    Usage(String),

    /// The engine failed, or refused an option.
    #[error(transparent)]
    Engine(#[from] orthrus::Error),

    /// The checkpoint could not be read.
    #[error(transparent)]
    Load(#[from] LoadError),

    /// Text could not be turned into ids or back.
    #[error(transparent)]
    Text(#[from] TextError),

    /// Reading or writing failed.
    #[error("{what} failed")]
    Io {
        /// What was being done.
        what: &'static str,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// Ctrl-C could not be caught.
    #[error("Ctrl-C cannot be caught")]
    Signal(#[from] ctrlc::Error),

    /// Some turns of an unattended chat were not answered. Why was said when it happened.
    #[error("turns not answered: {0}")]
    Unanswered(usize),

    /// The two views do not give the same ids.
    #[error("the views differ for {different} of the prompts: please report it with what was printed")]
    Different {
        /// How many prompts.
        different: usize,
    },

    /// Nobody reads what `verify` finds, and there are prompts left.
    #[error("stdout was closed before all prompts were verified")]
    Unverified,

    /// Nobody reads stdout any more: not a failure, but there is nothing left to do.
    #[error("stdout is closed")]
    StdoutClosed,
}

impl CliError {
    /// A usage error with this message.
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

/// Whether the engine refused what was asked for, rather than failed at it.
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

/// An error and its causes. Causes that the message already tells are left out.
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
