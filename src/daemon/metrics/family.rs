//! What a metric is: its name, its type, its labels and what it says.

/// A metric, with all its samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// `polder_`, the subject, what is counted, the unit, and `_total` if it counts; `process_` as Prometheus' clients name it.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// The labels of each sample beside `daemon`, in this order.
    pub labels: &'static [Label],
    /// What it says, as a cell of docs/metrics.md: Markdown.
    pub help: &'static str,
}

/// What the values of a metric are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// They rise from the process's start on.
    Counter,
    /// They rise and fall.
    Gauge,
    /// 1: what is said stands in the labels.
    Info,
    /// How many were at most so large, for some sizes.
    Histogram,
}

impl Kind {
    /// As a person reads it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Info => "info",
            Kind::Histogram => "histogram",
        }
    }
}

/// A label of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// The values that it has, in Markdown; empty: names of the document, or numbers.
    pub values: &'static str,
}

impl Family {
    /// The name without the ending that every counter and every info has.
    pub fn stem(&self) -> &'static str {
        let ending = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        self.name.strip_suffix(ending).unwrap_or(self.name)
    }

    /// The unit that the name ends with, if its values have any.
    pub fn unit(&self) -> Option<&'static str> {
        ["seconds", "bytes"].into_iter().find(|unit| self.stem().ends_with(unit))
    }

    /// What it says, as plain text: of a link its words, and no marks of code.
    pub fn plain_help(&self) -> String {
        let mut plain = String::with_capacity(self.help.len());
        let mut rest = self.help;
        while let Some(at) = rest.find(['`', '[']) {
            plain.push_str(&rest[..at]);
            let link = rest[at..].strip_prefix('[').and_then(|link| link.split_once("]("));
            rest = match link.and_then(|(words, target)| Some((words, target.split_once(')')?.1))) {
                Some((words, behind)) => {
                    plain.push_str(&words.replace('`', ""));
                    behind
                }
                None => &rest[at + 1..],
            };
        }
        plain + rest
    }
}

/// A table of metrics, and a constant for each:
///
/// ```text
/// families! {
///     /// Those of something.
///     FAMILIES:
///     READY = Gauge "polder_ready" [] "1 if it serves.";
///     RELOADS = Counter "polder_reloads_total" ["result" "`ok`, `failed`"] "Reloads.";
/// }
/// ```
macro_rules! families {
    ($(#[$doc:meta])* $table:ident:
     $($constant:ident = $kind:ident $name:literal [$($label:literal $($values:literal)?),*] $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $constant: $crate::daemon::metrics::family::Family = $crate::daemon::metrics::family::Family {
                name: $name,
                kind: $crate::daemon::metrics::family::Kind::$kind,
                labels: &[$($crate::daemon::metrics::family::Label { name: $label, values: concat!($($values)?) }),*],
                help: $help,
            };
        )*
        $(#[$doc])*
        pub const $table: &[$crate::daemon::metrics::family::Family] = &[$($constant),*];
    };
}

pub(crate) use families;

#[cfg(test)]
mod tests;
