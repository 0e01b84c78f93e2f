//! Fits text to the width of the terminal (pure, but for the question how wide that is).
//!
//! Colours take no room; what is too long goes on in the next line; only what is redrawn in place is cut off.

use std::io::IsTerminal;

/// The width of what is no terminal: of a file, a pipe, a mail.
const USUAL: usize = 80;

/// No line is shorter, however narrow a terminal says it is.
const NARROWEST: usize = 20;

/// How many columns there are: COLUMNS, or the terminal's, or 80.
pub fn width() -> usize {
    let of_terminal = || match std::io::stdout().is_terminal() {
        true => crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns)).filter(|width| *width > 0),
        false => None,
    };
    asked().or_else(of_terminal).unwrap_or(USUAL).max(NARROWEST)
}

/// How many columns a line may have that `grep` should see whole: in a pipe as many as it takes, unless COLUMNS says otherwise.
pub fn width_of_lines() -> usize {
    let is_folded = std::io::stdout().is_terminal() || asked().is_some();
    if is_folded { width() } else { usize::MAX }
}

fn asked() -> Option<usize> {
    std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok())
}

/// One line that is long: on a terminal within its width, elsewhere as it is, for `grep`.
pub fn on_terminal(line: &str, indent: usize) -> String {
    match std::io::stdout().is_terminal() {
        true => wrapped("", line, indent, width()),
        false => format!("{line}\n"),
    }
}

/// How many columns a text takes.
pub fn columns(text: &str) -> usize {
    letters(text).filter(|(_, is_seen)| *is_seen).count()
}

/// Each letter, and whether it takes a column: those of a colour (`ESC [ 31 m`) do not.
fn letters(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut in_colour = false;
    text.chars().map(move |letter| {
        let is_colour = in_colour || letter == '\u{1b}';
        in_colour = is_colour && letter != 'm';
        (letter, !is_colour)
    })
}

/// The line cut to the width of the terminal; colours take no room and are always ended.
pub fn clipped(line: &str, columns: usize) -> String {
    let mut room = columns;
    let mut is_kept = |is_seen: bool| !is_seen || room.checked_sub(1).map(|left| room = left).is_some();
    letters(line).filter(|(_, is_seen)| is_kept(*is_seen)).map(|(letter, _)| letter).collect()
}

/// Lines of at most `width` columns, each with its end: the first begins with `first`, the others with `indent` spaces. A word that
/// is longer than a line is broken.
pub fn wrapped(first: &str, text: &str, indent: usize, width: usize) -> String {
    let mut page = Page::new(first, indent.min(width / 2), width);
    text.split(' ').for_each(|word| page.word(word));
    page.finished()
}

/// Lines that are being written.
struct Page {
    text: String,
    /// Of the last line.
    used: usize,
    /// The last line has a word.
    has_word: bool,
    indent: usize,
    width: usize,
}

impl Page {
    fn new(first: &str, indent: usize, width: usize) -> Page {
        Page { text: first.to_owned(), used: columns(first), has_word: false, indent, width }
    }

    fn word(&mut self, word: &str) {
        let (gap, needed) = (usize::from(self.has_word), columns(word));
        if self.used + gap + needed <= self.width {
            self.text.extend(std::iter::repeat_n(' ', gap));
            self.used += gap;
        } else if self.used > self.indent {
            self.end_line();
        }
        for (letter, is_seen) in letters(word) {
            if is_seen && self.used == self.width {
                self.end_line();
            }
            self.text.push(letter);
            self.used += usize::from(is_seen);
        }
        self.has_word = true;
    }

    fn end_line(&mut self) {
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(' ', self.indent));
        self.used = self.indent;
    }

    fn finished(mut self) -> String {
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
        self.text
    }
}

#[cfg(test)]
mod tests;
