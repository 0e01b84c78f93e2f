//! In which of two forms a page is wanted, by the request's Accept field (pure).

/// The form of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Prometheus' text, version 0.0.4, which everything reads.
    #[default]
    Prometheus,
    /// OpenMetrics 1.0.0: with units, and an end by which a page that was cut off is known.
    OpenMetrics,
}

impl Format {
    /// The form that a field `Accept` prefers (RFC 9110, 12.5.1): OpenMetrics must be asked for by name.
    pub fn accepted(accept: &str) -> Format {
        let (mut open, mut text) = (0, 0);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let parameters: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
            let given = |name: &str| parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            let weight = given("q").map_or(1000, |(_, weight)| thousandths(weight));
            let version = given("version").map(|(_, version)| version.trim_matches('"'));
            match &*media {
                "application/openmetrics-text" if version.is_none_or(|version| version == "1.0.0") => {
                    open = open.max(weight);
                }
                "text/plain" if version.is_none_or(|version| version == "0.0.4") => text = text.max(weight),
                _ => {}
            }
        }
        if open > 0 && open >= text { Format::OpenMetrics } else { Format::Prometheus }
    }

    /// What the page's Content-Type says.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Prometheus => "text/plain; version=0.0.4",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// A weight like `0.5`; one that is none counts as nothing.
fn thousandths(weight: &str) -> u32 {
    let weight: f32 = weight.trim().parse().unwrap_or_default();
    (weight.clamp(0.0, 1.0) * 1000.0) as u32
}

#[cfg(test)]
mod tests;
