//! What the verbs print: tables with colours for people, JSON for machines.
//!
//! Colours appear only on a terminal and never with NO_COLOR (anstream decides).

use std::io::Write;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::Exit;

/// How sure a reader should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// As it should be, or neutral.
    #[default]
    Plain,
    /// Well, and worth saying.
    Good,
    /// Wanted but not usual: drained, failed over.
    Notable,
    /// Not well.
    Bad,
    /// Beside the point.
    Faint,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Tone::Plain => Style::new(),
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Notable => AnsiColor::Yellow.on_default(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
            Tone::Faint => Style::new().dimmed(),
        }
    }

    /// The text in this tone.
    pub fn paint(self, text: &str) -> String {
        let style = self.style();
        format!("{style}{text}{style:#}")
    }
}

/// One field of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tone: Tone,
}

/// A neutral field.
pub fn cell(text: impl Into<String>) -> Cell {
    toned(text, Tone::Plain)
}

/// A field in a tone.
pub fn toned(text: impl Into<String>, tone: Tone) -> Cell {
    Cell { text: printable(&text.into()), tone }
}

/// What came from a daemon, fit for a terminal: control characters made visible.
pub fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// Rows under a heading, columns aligned.
#[derive(Debug, Default)]
pub struct Table {
    heading: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table.
    pub fn new(heading: &[&'static str]) -> Table {
        Table { heading: heading.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The table as text, one line a row; nothing for a table without rows.
    pub fn render(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let heading: Vec<Cell> = self.heading.iter().map(|name| toned(*name, Tone::Faint)).collect();
        let widths: Vec<usize> = (0..self.heading.len()).map(|column| self.width(&heading, column)).collect();
        std::iter::once(&heading).chain(&self.rows).map(|row| render_row(row, &widths)).collect()
    }

    fn width(&self, heading: &[Cell], column: usize) -> usize {
        let rows = std::iter::once(heading).chain(self.rows.iter().map(Vec::as_slice));
        rows.filter_map(|row| row.get(column)).map(|cell| cell.text.chars().count()).max().unwrap_or(0)
    }
}

fn render_row(row: &[Cell], widths: &[usize]) -> String {
    let mut line = String::new();
    for (n, (cell, width)) in row.iter().zip(widths).enumerate() {
        line.push_str(&cell.tone.paint(&cell.text));
        if n + 1 < row.len() {
            let padding = width.saturating_sub(cell.text.chars().count()) + 2;
            line.extend(std::iter::repeat_n(' ', padding));
        }
    }
    line.push('\n');
    line
}

/// Where a verb prints.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
}

impl Output {
    /// For machines or for people.
    pub fn new(json: bool) -> Output {
        Output { json }
    }

    /// Whether a machine reads.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Prints the answer: `value` for machines, `text` for people. A reader that has gone away is no error.
    pub fn answer(&self, value: &impl Serialize, text: &str) {
        let mut stdout = anstream::stdout().lock();
        let _ = if self.json {
            let value =
                serde_json::to_string_pretty(value).unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"));
            writeln!(stdout, "{value}")
        } else {
            write!(stdout, "{text}")
        };
    }

    /// Says why it could not run.
    pub fn could_not(&self, message: &str) -> Exit {
        if self.json {
            self.answer(&serde_json::json!({ "error": message }), "");
        }
        complain(message);
        Exit::CouldNot
    }
}

/// One line on standard error.
pub fn complain(message: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{}: {}", Tone::Bad.paint("polder"), printable(message));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn columns_are_aligned_and_the_last_one_is_not_padded() {
        let mut table = Table::new(&["NAME", "STATE"]);
        table.row(vec![cell("web1"), toned("up", Tone::Good)]);
        table.row(vec![cell("a-longer-name"), toned("down", Tone::Bad)]);
        assert_eq!(plain(&table.render()), "NAME           STATE\nweb1           up\na-longer-name  down\n");
    }

    #[test]
    fn a_table_without_rows_prints_nothing() {
        assert_eq!(Table::new(&["NAME"]).render(), "");
    }

    #[test]
    fn what_a_daemon_says_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\\nc");
    }
}
