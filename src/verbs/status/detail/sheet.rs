//! Lines under a heading, within a width.

use crate::verbs::layout::wrapped;
use crate::verbs::output::{Tone, printable};

/// A heading and what stands below it.
pub(super) struct Sheet {
    text: String,
    width: usize,
}

impl Sheet {
    pub(super) fn new(width: usize) -> Sheet {
        Sheet { text: String::new(), width }
    }

    /// A line of its own, its name before all else.
    pub(super) fn heading(&mut self, name: &str, words: &str) {
        let colon = if words.is_empty() { "" } else { ": " };
        self.text += &wrapped("", &format!("{}{colon}{}", printable(name), printable(words)), 2, self.width);
    }

    /// A line below the heading.
    pub(super) fn line(&mut self, words: &str) {
        self.toned(words, Tone::Plain);
    }

    /// The same, in a tone.
    pub(super) fn toned(&mut self, words: &str, tone: Tone) {
        self.text += &wrapped("  ", &tone.paint(words), 4, self.width);
    }

    pub(super) fn text(self) -> String {
        self.text
    }
}

/// The names of those that say so; nothing where all do.
pub(super) fn only_by(by: &[&str], all: usize) -> String {
    if by.len() == all { String::new() } else { format!(" (so on {})", by.join(", ")) }
}
