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
mod tests {
    use super::*;

    #[test]
    fn a_page_is_the_exact_text_of_the_exposition_format() {
        let mut page = Page::default();
        page.metric("polder_up", "gauge", "Whether it is up.\nA \\ stays one.");
        page.sample("polder_up", &[], 1);
        page.metric("polder_requests_total", "counter", "Requests.");
        page.sample("polder_requests_total", &[("service", "www"), ("code", "2xx")], 12_345_u64);
        page.sample("polder_requests_total", &[("service", "a\"b\\c\nd")], 0.25);
        assert_eq!(
            page.finish(),
            "# HELP polder_up Whether it is up.\\nA \\\\ stays one.\n\
             # TYPE polder_up gauge\n\
             polder_up 1\n\
             # HELP polder_requests_total Requests.\n\
             # TYPE polder_requests_total counter\n\
             polder_requests_total{service=\"www\",code=\"2xx\"} 12345\n\
             polder_requests_total{service=\"a\\\"b\\\\c\\nd\"} 0.25\n"
        );
    }

    #[test]
    fn values_that_are_no_numbers_have_the_formats_words() {
        let mut page = Page::default();
        for value in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            page.sample("x", &[], value);
        }
        assert_eq!(page.finish(), "x +Inf\nx -Inf\nx NaN\n");
    }

    #[test]
    fn a_histogram_is_cumulative_and_ends_with_all() {
        let mut page = Page::default();
        page.histogram("t", &[("s", "w")], &[0.1, 1.0], &[3, 2, 1], 4.5);
        assert_eq!(
            page.finish(),
            "t_bucket{s=\"w\",le=\"0.1\"} 3\nt_bucket{s=\"w\",le=\"1\"} 5\nt_bucket{s=\"w\",le=\"+Inf\"} 6\n\
             t_sum{s=\"w\"} 4.5\nt_count{s=\"w\"} 6\n"
        );
    }
}
