//! Every line of the log, as an event.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Level, Subscriber};
use tracing_subscriber::layer::Context;

use super::History;
use crate::api::events::{self, Event};
use crate::log_line::{KIND, Kind, SEPARATOR, SUBJECTS};
use crate::unix_time::unix_ms;

/// What shows each line of the log to a history.
#[derive(Debug)]
pub struct Layer {
    history: History,
}

impl Layer {
    /// Into this one.
    pub fn new(history: History) -> Layer {
        Layer { history }
    }
}

impl<S: Subscriber> tracing_subscriber::Layer<S> for Layer {
    fn on_event(&self, line: &tracing::Event<'_>, _: Context<'_, S>) {
        let level = match *line.metadata().level() {
            Level::ERROR => events::Level::Error,
            Level::WARN => events::Level::Warning,
            Level::INFO => events::Level::Info,
            _ => return,
        };
        let mut fields = Fields::default();
        line.record(&mut fields);
        let Fields { words, others, kind, subjects } = fields;
        let words = words + &others;
        self.history.add(Event { at: unix_ms(), level, kind: kind.unwrap_or(Kind::Other), subjects, words });
    }
}

#[derive(Default)]
struct Fields {
    words: String,
    others: String,
    kind: Option<Kind>,
    subjects: Vec<String>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            KIND => self.kind = Kind::of_name(value),
            SUBJECTS => {
                self.subjects = value.split(SEPARATOR).filter(|name| !name.is_empty()).map(str::to_owned).collect()
            }
            _ => self.record_debug(field, &format_args!("{value:?}")),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = match field.name() {
            "message" => write!(self.words, "{value:?}"),
            name => write!(self.others, " {name}={value:?}"),
        };
        written.expect("writing to a String cannot fail");
    }
}
