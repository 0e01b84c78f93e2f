//! A page of metrics: Prometheus' text or OpenMetrics.

use std::fmt::{self, Write};
use std::time::Duration;

use super::family::{Family, Kind};
use super::format::Format;
use super::histogram::{BOUNDS, Measured};
use crate::api::daemon::Daemon;

/// A page under construction.
#[derive(Debug)]
pub struct Page {
    text: String,
    daemon: Daemon,
    format: Format,
}

/// A sample's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// A number of things.
    Count(u64),
    /// A time, in seconds.
    Time(Duration),
}

impl Page {
    /// An empty page of this daemon.
    pub fn new(daemon: Daemon, format: Format) -> Page {
        Page { text: String::new(), daemon, format }
    }

    /// Begins a metric, of which nothing was written yet: its samples stand together.
    pub fn metric(&mut self, family: Family) -> Metric<'_> {
        let Family { kind, .. } = family;
        let help = family.plain_help();
        match self.format {
            Format::Prometheus => {
                let (name, kind) = (family.name, if kind == Kind::Info { Kind::Gauge } else { kind }.name());
                put(&mut self.text, format_args!("# HELP {name} "));
                self.escaped(&help, false);
                put(&mut self.text, format_args!("\n# TYPE {name} {kind}\n"));
            }
            Format::OpenMetrics => {
                let (stem, kind) = (family.stem(), kind.name());
                put(&mut self.text, format_args!("# TYPE {stem} {kind}\n"));
                if let Some(unit) = family.unit() {
                    put(&mut self.text, format_args!("# UNIT {stem} {unit}\n"));
                }
                put(&mut self.text, format_args!("# HELP {stem} "));
                self.escaped(&help, true);
                self.text.push('\n');
            }
        }
        Metric { page: self, family }
    }

    /// The page's text.
    pub fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    fn escaped(&mut self, value: &str, quoted: bool) {
        for letter in value.chars() {
            match letter {
                '\\' => self.text.push_str("\\\\"),
                '"' if quoted => self.text.push_str("\\\""),
                '\n' => self.text.push_str("\\n"),
                other => self.text.push(other),
            }
        }
    }
}

/// A metric whose samples are being written.
pub struct Metric<'p> {
    page: &'p mut Page,
    family: Family,
}

impl Metric<'_> {
    /// A sample with these labels beside `daemon`, which are those of the family.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Into<Value>) {
        self.write("", labels, None, value.into());
    }

    /// A sample that is 1 if so and 0 if not.
    pub fn flag(&mut self, labels: &[(&str, &str)], value: bool) {
        self.sample(labels, u64::from(value));
    }

    /// The samples of a histogram with these labels beside `daemon` and `le`.
    pub fn histogram(&mut self, labels: &[(&str, &str)], measured: &Measured) {
        let bounds = BOUNDS.iter().map(|(_, bound)| *bound).chain(["+Inf"]);
        let mut count = 0;
        for (bound, more) in bounds.zip(measured.buckets) {
            count += more;
            self.write("_bucket", labels, Some(bound), Value::Count(count));
        }
        self.write("_sum", labels, None, Value::Time(measured.sum));
        self.write("_count", labels, None, Value::Count(count));
    }

    fn write(&mut self, ending: &str, labels: &[(&str, &str)], bound: Option<&str>, value: Value) {
        let Metric { page, family } = self;
        debug_assert!(
            labels.iter().map(|(label, _)| *label).eq(family.labels.iter().map(|label| label.name)),
            "{} has the labels {:?}, and a sample {labels:?}",
            family.name,
            family.labels
        );
        page.text.push_str(family.name);
        page.text.push_str(ending);
        let daemon = ("daemon", page.daemon.name());
        let bound = bound.map(|bound| ("le", bound));
        for (index, (label, value)) in std::iter::once(&daemon).chain(labels).chain(&bound).enumerate() {
            page.text.push(if index == 0 { '{' } else { ',' });
            page.text.push_str(label);
            page.text.push_str("=\"");
            page.escaped(value, true);
            page.text.push('"');
        }
        put(&mut page.text, format_args!("}} {value}\n"));
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Count(count) => count.fmt(f),
            Value::Time(time) if time.subsec_nanos() == 0 => time.as_secs().fmt(f),
            Value::Time(time) => write!(f, "{}.{:09}", time.as_secs(), time.subsec_nanos()),
        }
    }
}

impl From<u64> for Value {
    fn from(count: u64) -> Value {
        Value::Count(count)
    }
}

impl From<Duration> for Value {
    fn from(time: Duration) -> Value {
        Value::Time(time)
    }
}

fn put(text: &mut String, more: fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(more);
}

#[cfg(test)]
mod tests;
