//! One line of the access log, told to a person (pure).

use serde_json::{Map, Value};

use crate::verbs::layout::on_terminal;
use crate::verbs::output::{Tone, printable};
use crate::verbs::times::moment;

/// One request, as the access log has it.
pub(super) struct Story<'r> {
    request: &'r Map<String, Value>,
}

impl<'r> Story<'r> {
    pub(super) fn of(request: &'r Map<String, Value>) -> Story<'r> {
        Story { request }
    }

    /// The line itself.
    pub(super) fn request(&self) -> &'r Map<String, Value> {
        self.request
    }

    fn text(&self, field: &str) -> Option<&'r str> {
        self.request.get(field)?.as_str().filter(|text| !text.is_empty())
    }

    fn number(&self, field: &str) -> Option<i64> {
        self.request.get(field)?.as_i64()
    }

    /// When it began, in milliseconds since the epoch.
    pub(super) fn time(&self) -> Option<u64> {
        let time: jiff::Timestamp = self.text("time")?.parse().ok()?;
        u64::try_from(time.as_millisecond()).ok()
    }

    /// How long it took, in milliseconds.
    pub(super) fn lasted(&self) -> u64 {
        self.number("ta").and_then(|time| u64::try_from(time).ok()).unwrap_or(0)
    }

    /// The service that it was for.
    pub(super) fn service(&self) -> Option<&'r str> {
        self.text("service")
    }

    /// Whether the proxy itself answered it with an error, or could not answer: no backend did.
    pub(super) fn is_failed_here(&self) -> bool {
        self.text("cause").is_some() && !matches!(self.number("status"), Some(100..500))
    }

    /// Why it ended as it did, in a sentence.
    pub(super) fn cause(&self) -> String {
        match (self.text("cause"), self.number("status")) {
            (Some(cause), _) => cause.to_owned(),
            (None, Some(500..)) => "the backend itself has answered so; the proxy passed it on".to_owned(),
            (None, Some(400..500)) => "the backend itself has refused it; the proxy passed it on".to_owned(),
            (None, _) => "nothing went wrong; it was slow".to_owned(),
        }
    }

    /// All of it, several lines.
    pub(super) fn told_by(&self, proxy: &str) -> String {
        let time = self.time().map_or_else(|| "at an unknown time".to_owned(), moment);
        let what = match self.text("method") {
            Some(method) => format!(
                "{method} {}{} from {}",
                self.text("host").unwrap_or("(no host)"),
                self.text("path").unwrap_or_default(),
                self.text("client").unwrap_or("somebody"),
            ),
            None => format!("no whole request, from {}", self.text("client").unwrap_or("somebody")),
        };
        let answered = match self.number("status") {
            None | Some(0) => "not answered".to_owned(),
            Some(status) => format!("answered {status}"),
        };
        let mut lines = vec![
            format!("{}  {}  {}", Tone::Faint.paint(&time), printable(proxy), printable(&what)),
            format!("  {answered} after {} ms: {}", self.lasted(), Tone::Bad.paint(&self.cause())),
            format!("  {}", printable(&self.way())),
            format!("  {}", self.times()),
        ];
        if let Some(end) = self.text("end").filter(|end| *end != "--") {
            lines.push(format!("  code {end} in the access log (docs/logs.md)"));
        }
        lines.iter().map(|line| on_terminal(line, 4)).collect()
    }

    /// Which way it took.
    fn way(&self) -> String {
        let listener = self.text("listener").unwrap_or("?");
        let Some(service) = self.service() else {
            return format!("listener {listener}; no service has this host and path");
        };
        let tries = self.number("tries").unwrap_or(0);
        match self.text("backend") {
            None => format!("listener {listener}, service {service}; no backend was tried"),
            Some(backend) => {
                let attempts = if tries == 1 { "1 attempt".to_owned() } else { format!("{tries} attempts") };
                format!("listener {listener}, service {service}, backend {backend} ({attempts}, this one last)")
            }
        }
    }

    /// Where the time went.
    fn times(&self) -> String {
        let parts = [
            ("tq", "its head took"),
            ("tw", "it waited or queued"),
            ("tc", "connecting took"),
            ("tr", "the backend thought for"),
        ];
        let came_to = parts.iter().filter_map(|(field, words)| match self.number(field)? {
            time @ 0.. => Some(format!("{words} {time} ms")),
            _ => None,
        });
        let came_to: Vec<String> = came_to.collect();
        match came_to.len() == parts.len() {
            true => came_to.join(", "),
            false if came_to.is_empty() => "it came to nothing that could be measured".to_owned(),
            false => format!("{}; it came no further", came_to.join(", ")),
        }
    }
}
