//! What the verbs print: tables with colours for people, JSON for machines.
//!
//! Colours appear only on a terminal and never with NO_COLOR (anstream decides). Nothing that anybody else wrote (a reason, a
//! name, a daemon's or a gate's words) steers the terminal: pieces of it are [`printable`], and whatever leaves here passes
//! [`fit`], which lets through lines, tabs and our own colours.

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::Serialize;

use super::exit::Exit;
use super::layout;
use crate::printable as letters;

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

    /// The text in this tone, as [`printable`] shows it.
    pub fn paint(self, text: &str) -> String {
        let (style, text) = (self.style(), letters::printable(text));
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

/// What somebody else wrote, fit for a terminal and on one line: hidden characters made visible.
pub fn printable(text: &str) -> String {
    letters::printable(text).into_owned()
}

/// The beginnings and the end of our own colours ([`Tone`]).
const COLOURS: [&str; 6] = ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m"];

/// Text that a verb has put together, as it may reach a terminal: lines, tabs and our own colours stay, every other hidden
/// character is made visible.
pub fn fit(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if let Some(colour) = COLOURS.into_iter().find(|colour| rest.starts_with(colour)) {
            shown.push_str(colour);
            rest = &rest[colour.len()..];
            continue;
        }
        match letter {
            '\n' | '\t' => shown.push(letter),
            letter => letters::push(&mut shown, letter),
        }
        rest = &rest[letter.len_utf8()..];
    }
    shown
}

/// Rows under a heading, columns aligned.
///
/// By hand and not by `comfy-table`: that colours with sequences of its own (`38;5;n`), which [`fit`] would make visible, and wraps
/// a row over several lines, where `grep` and a narrow terminal are served best by one line a row.
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

    /// The same within so many columns: a table that is wider loses its heading, and if that does not do, is told row by row, each in as many
    /// lines as it takes.
    pub fn render_within(&self, columns: usize) -> String {
        let fits = |table: &String| table.lines().all(|line| layout::columns(line) <= columns);
        if let Some(table) = [self.render(), self.render_rows()].into_iter().find(fits) {
            return table;
        }
        let told = self.rows.iter().map(|row| {
            let cells = row.iter().filter(|cell| !cell.text.is_empty()).map(|cell| cell.tone.paint(&cell.text));
            layout::wrapped("", &cells.collect::<Vec<_>>().join("  "), 4, columns)
        });
        told.collect()
    }

    /// Without the heading, as wide as the rows need.
    fn render_rows(&self) -> String {
        let widths: Vec<usize> = (0..self.heading.len()).map(|column| self.width(&[], column)).collect();
        self.rows.iter().map(|row| render_row(row, &widths)).collect()
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

    /// Prints the answer: `value` for machines, `text` for people.
    pub fn answer(&self, value: &impl Serialize, text: &str) {
        print(if self.json { json(value) + "\n" } else { fit(text) });
    }

    /// One of many answers that come one after the other: a line each, for machines too.
    pub fn line(&self, value: &impl Serialize, text: &str) {
        let value = || fit_json(&serde_json::to_string(value).unwrap_or_default());
        print(if self.json { value() } else { fit(text) } + "\n");
    }

    /// The same of JSON alone; whether somebody still reads it.
    pub fn line_is_read(&self, value: &impl Serialize) -> bool {
        let mut stdout = std::io::stdout().lock();
        let line = fit_json(&serde_json::to_string(value).unwrap_or_default());
        writeln!(stdout, "{line}").and_then(|()| stdout.flush()).is_ok()
    }

    /// Says why it could not run.
    pub fn could_not(&self, why: &(impl Display + ?Sized)) -> Exit {
        self.could_not_with(why, serde_json::Map::new())
    }

    /// Says why the answer is no, or what is wrong with the command line.
    pub fn refuse(&self, why: &(impl Display + ?Sized), exit: Exit) -> Exit {
        self.refuse_with(why, serde_json::Map::new(), exit)
    }

    /// The same, with more for machines beside the error.
    pub fn could_not_with(
        &self,
        why: &(impl Display + ?Sized),
        more: serde_json::Map<String, serde_json::Value>,
    ) -> Exit {
        self.refuse_with(why, more, Exit::CouldNot)
    }

    /// Says why the answer is no, with more for machines beside the error.
    pub fn refuse_with(
        &self,
        why: &(impl Display + ?Sized),
        more: serde_json::Map<String, serde_json::Value>,
        exit: Exit,
    ) -> Exit {
        let message = &why.to_string();
        if self.json {
            let mut answer = serde_json::Map::from_iter([("error".to_owned(), message.as_str().into())]);
            answer.extend(more);
            self.answer(&answer, "");
        }
        // Findings come a line each.
        message.lines().for_each(complain);
        exit
    }
}

/// Something that was to be printed is lost. Of the whole process, as its standard output is.
static IS_LOST: AtomicBool = AtomicBool::new(false);

/// Whether something that was to be printed is lost: then the verb could not do what it was asked.
pub fn is_lost() -> bool {
    IS_LOST.load(Ordering::Relaxed)
}

fn print(text: String) {
    let mut stdout = anstream::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    if let Some(why) = loss(&written)
        && !IS_LOST.swap(true, Ordering::Relaxed)
    {
        complain(&why);
    }
}

/// What is said when nothing could be written. A reader that has gone away, as `head` does, is no error.
fn loss(written: &std::io::Result<()>) -> Option<String> {
    let error = written.as_ref().err().filter(|error| error.kind() != ErrorKind::BrokenPipe)?;
    Some(format!("the output is lost: standard output cannot be written to: {error}"))
}

/// Whether standard output still has a reader: the one behind a pipe may have gone away, as `head` does when it has seen enough.
pub fn has_reader() -> bool {
    let stdout = std::io::stdout();
    let mut asked = [PollFd::new(&stdout, PollFlags::empty())];
    match poll(&mut asked, Some(&Timespec::default())) {
        Ok(_) => !asked[0].revents().contains(PollFlags::ERR),
        // Not known: what is written next tells.
        Err(_) => true,
    }
}

/// JSON for machines; the data is exact, and what is hidden stands as `\uXXXX`.
pub fn json(value: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(value);
    fit_json(&text.unwrap_or_else(|error| serde_json::json!({ "error": error.to_string() }).to_string()))
}

/// Text of JSON, fit for a terminal: between its strings nothing is hidden but ends of lines; within them it is escaped here.
pub fn fit_json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter == '\n' {
            shown.push(letter);
        } else {
            letters::push_json(&mut shown, letter);
        }
    }
    shown
}

/// Shows text on standard error while a verb works: progress, a question.
pub fn print_progress(text: &str) {
    let mut terminal = anstream::stderr().lock();
    // Nobody is there to read it: no reason to stop.
    let _ = terminal.write_all(fit(text).as_bytes()).and_then(|()| terminal.flush());
}

/// One line on standard error; on a terminal within its width.
pub fn complain(message: &str) {
    let line = format!("{}: {}", Tone::Bad.paint("polder"), printable(message));
    let line = match std::io::stderr().is_terminal() {
        true => layout::wrapped("", &line, 2, layout::width()),
        false => line + "\n",
    };
    let _ = anstream::stderr().lock().write_all(line.as_bytes());
}

#[cfg(test)]
mod tests;
