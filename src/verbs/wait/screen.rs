//! How a wait looks: on a terminal a row for each subject, redrawn in place; elsewhere a line for each change, or one of JSON.

use std::io::IsTerminal;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::watch::{Left, Standing};
use crate::verbs::output::{Output, fit, printable};

/// The display.
pub(super) struct Screen<'a> {
    output: &'a Output,
    /// None where there is no terminal.
    rows: Option<Vec<ProgressBar>>,
    width: usize,
    shown: Vec<Option<Left>>,
}

impl Screen<'_> {
    /// For subjects of these names.
    pub(super) fn new(output: &Output, names: impl Iterator<Item = String>) -> Screen<'_> {
        let widths: Vec<usize> = names.map(|name| name.chars().count()).collect();
        let is_terminal = !output.is_json() && std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        let rows = is_terminal.then(|| {
            let screen = MultiProgress::new();
            widths.iter().map(|_| screen.add(row())).collect()
        });
        let shown = widths.iter().map(|_| None).collect();
        Screen { output, rows, width: widths.into_iter().max().unwrap_or_default(), shown }
    }

    /// Shows what is left of each.
    pub(super) fn show(&mut self, lefts: &[Left]) {
        for (place, left) in lefts.iter().enumerate() {
            let text = format!("{:<width$}  {}", printable(&left.name), left.in_words(), width = self.width);
            match &self.rows {
                Some(rows) => rows[place].set_message(fit(&text)),
                None if self.shown[place].as_ref().map(Left::key) != Some(left.key()) => {
                    self.output.line(left, &text);
                }
                None => {}
            }
            self.shown[place] = Some(left.clone());
        }
    }

    /// The last rows of what is still in use stay on the terminal.
    pub(super) fn end(&self) {
        for (row, left) in self.rows.iter().flatten().zip(&self.shown) {
            match left {
                Some(left) if left.standing == Standing::Free => row.finish_and_clear(),
                _ => row.abandon(),
            }
        }
    }
}

fn row() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style)
}
