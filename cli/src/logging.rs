//! Events of the engine and the loader, as lines on stderr.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::output::note;

/// Shows events from warnings up, or from information up if `verbose`. `RUST_LOG` overrides both.
pub(crate) fn start(verbose: bool) {
    let usual = || EnvFilter::new(if verbose { "info" } else { "warn" });
    let filter = match std::env::var(EnvFilter::DEFAULT_ENV) {
        Ok(wanted) if !wanted.is_empty() => EnvFilter::try_new(&wanted).unwrap_or_else(|error| {
            note(format!("warning: RUST_LOG={wanted} is ignored: {error}"));
            usual()
        }),
        _ => usual(),
    };
    // This program installs no other subscriber, so this cannot fail.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .log_internal_errors(false)
        .event_format(Line)
        .try_init();
}

/// The format `warning: message (name: value)`, like the command line's own messages.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warning",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        let mut fields = Fields::default();
        event.record(&mut fields);
        write!(writer, "{level}: {}", fields.message)?;
        if !fields.others.is_empty() {
            write!(writer, " ({})", fields.others)?;
        }
        writeln!(writer)
    }
}

/// The message of an event, and its other fields as text.
#[derive(Default)]
struct Fields {
    message: String,
    others: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => {
                let comma = if self.others.is_empty() { "" } else { ", " };
                write!(self.others, "{comma}{name}: {value:?}")
            }
        };
    }
}
