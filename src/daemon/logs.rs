//! The daemons' own log: one line an event, on standard error (the journal). Colours only on a terminal.
//!
//! An event is one line whatever its fields hold: what is hidden is written as escapes ([`printable`]), so nothing a peer or a
//! client sends can forge a line or move a terminal's cursor. Under systemd the journal has the time, and the level goes
//! before the line as `<N>` (`sd-daemon(3)`).

use std::env;
use std::fmt::{self, Write};
use std::io::IsTerminal;

use nix::sys::stat::fstat;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::history::{self, History};
use crate::log_line::{KIND, SUBJECTS};
use crate::printable;

/// What is logged by default. The `h2` crate would warn of what clients send, as often as they like.
const DEFAULT: &str = "info,h2=error";

/// Installs the subscriber. What is logged comes from `POLDER_LOG` (default `info`; `debug`, or by module:
/// `info,polder::health=debug`). A second call changes nothing.
pub fn init() {
    install(None);
}

/// The same, with a history that keeps every line of level info and above, whatever `POLDER_LOG` says.
pub fn init_keeping(history: &History) {
    install(Some(history));
}

fn install(history: Option<&History>) {
    let words = env::var("POLDER_LOG").unwrap_or_default();
    let filter = EnvFilter::try_new(if words.is_empty() { DEFAULT } else { &words });
    let (filter, mistake) = match filter {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(DEFAULT), Some(error)),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .event_format(Line { style: Style::of_stderr() })
        .with_filter(filter);
    let kept = history.map(|history| history::Layer::new(history.clone()).with_filter(EnvFilter::new(DEFAULT)));
    let installed = tracing_subscriber::registry().with(lines).with(kept).try_init();
    if let (Ok(()), Some(error)) = (installed, mistake) {
        tracing::warn!(%error, "POLDER_LOG is not a filter; logging from level info");
    }
}

/// How a line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// The journal: `<6>`.
    Journal,
    /// A time and a level, the level in colour.
    Terminal,
    /// A time and a level.
    Plain,
}

impl Style {
    fn of_stderr() -> Style {
        let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let stderr = std::io::stderr();
        let file = fstat(&stderr).map(|file| format!("{}:{}", file.st_dev, file.st_ino)).ok();
        let is_journal = file.is_some() && file == env::var("JOURNAL_STREAM").ok();
        let colours = !set("NO_COLOR") && env::var_os("TERM").is_none_or(|terminal| terminal != "dumb");
        Style::choose(is_journal, stderr.is_terminal(), colours)
    }

    fn choose(is_journal: bool, is_terminal: bool, colours: bool) -> Style {
        match (is_journal, is_terminal && colours) {
            (true, _) => Style::Journal,
            (false, true) => Style::Terminal,
            (false, false) => Style::Plain,
        }
    }

    fn begin(self, level: Level, line: &mut impl Write) -> fmt::Result {
        let (priority, name, colour) = match level {
            Level::ERROR => (3, "error", "31"),
            Level::WARN => (4, "warn ", "33"),
            Level::INFO => (6, "info ", "32"),
            _ => (7, "debug", "34"),
        };
        let now = jiff::Timestamp::now();
        match self {
            Style::Journal => write!(line, "<{priority}>"),
            Style::Terminal => write!(line, "{now:.3} \x1b[{colour}m{name}\x1b[0m "),
            Style::Plain => write!(line, "{now:.3} {name} "),
        }
    }
}

struct Line {
    style: Style,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        self.style.begin(*event.metadata().level(), &mut line)?;
        let mut text = Text::default();
        event.record(&mut text);
        writeln!(line, "{}{}", text.message, text.fields)
    }
}

/// An event's message and its other fields, escaped.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = match field.name() {
            "message" => write!(Escaped(&mut self.message), "{value:?}"),
            // Of the history: the words say it too.
            KIND | SUBJECTS => Ok(()),
            name => write!(Escaped(&mut self.fields), " {name}={value:?}"),
        };
        written.expect("writing to a String cannot fail");
    }
}

/// Passes text on with every hidden character as an escape.
struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().for_each(|letter| printable::push(self.0, letter));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
