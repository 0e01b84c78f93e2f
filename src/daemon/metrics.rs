//! Prometheus text (exposition format 0.0.4).

use std::fmt::{Display, Write};

/// The content type of a page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4";

/// A page of metrics under construction.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
}

impl Page {
    /// Begins a metric: `# HELP` and `# TYPE` (`counter`, `gauge`, `histogram`).
    pub fn metric(&mut self, name: &str, kind: &str, help: &str) {
        self.text.push_str("# HELP ");
        self.text.push_str(name);
        self.text.push(' ');
        for letter in help.chars() {
            match letter {
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                other => self.text.push(other),
            }
        }
        self.push(format_args!("\n# TYPE {name} {kind}\n"));
    }

    /// A sample of the metric begun last, label values escaped.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(name);
        for (index, (label, value)) in labels.iter().enumerate() {
            self.push(format_args!("{}{label}=\"", if index == 0 { '{' } else { ',' }));
            self.escaped(value);
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        self.text.push(' ');
        let start = self.text.len();
        self.push(format_args!("{value}\n"));
        // Rust's words for the infinities are not Prometheus's.
        match &self.text[start..] {
            "inf\n" => self.text.replace_range(start.., "+Inf\n"),
            "-inf\n" => self.text.replace_range(start.., "-Inf\n"),
            _ => {}
        }
    }

    /// The samples of a histogram: `counts[i]` observations at most `bounds[i]` and above the bound before; the last of
    /// `counts`, one longer than `bounds`, is those above all bounds.
    pub fn histogram(&mut self, name: &str, labels: &[(&str, &str)], bounds: &[f64], counts: &[u64], sum: f64) {
        let bucket = format!("{name}_bucket");
        let total: u64 = counts.iter().sum();
        let mut cumulative = 0;
        for (bound, count) in bounds.iter().zip(counts) {
            cumulative += count;
            self.sample(&bucket, &[labels, &[("le", &bound.to_string())]].concat(), cumulative);
        }
        self.sample(&bucket, &[labels, &[("le", "+Inf")]].concat(), total);
        self.sample(&format!("{name}_sum"), labels, sum);
        self.sample(&format!("{name}_count"), labels, total);
    }

    /// The page.
    pub fn finish(self) -> String {
        self.text
    }

    fn escaped(&mut self, value: &str) {
        for letter in value.chars() {
            match letter {
                '\\' => self.text.push_str("\\\\"),
                '"' => self.text.push_str("\\\""),
                '\n' => self.text.push_str("\\n"),
                other => self.text.push(other),
            }
        }
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        self.text.write_fmt(text).expect("writing to a String cannot fail");
    }
}

#[cfg(test)]
mod tests;
