//! The progress of a push: on a terminal a row for each host, redrawn in place; elsewhere a line for each event.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Instant;

use anstream::ColorChoice;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::super::output::{Tone, fit, print_progress, printable};
use crate::push::rollout::{Observer, Stage};

/// The display of a rollout. It is updated from several threads, one for each host.
pub(in crate::verbs) struct Progress {
    mode: Mode,
    began: Instant,
    /// The last stage shown of each host: only changes are shown.
    #[allow(clippy::disallowed_types, reason = "a screen has one writer at a time, and no hot path comes here")]
    stages: std::sync::Mutex<BTreeMap<String, Stage>>,
}

enum Mode {
    /// A terminal.
    Rows { screen: MultiProgress, rows: BTreeMap<String, ProgressBar>, name_width: usize },
    /// A pipe or a file.
    Lines,
    /// With `--json`, only the result is printed.
    Silent,
}

impl Progress {
    /// For these hosts, in rollout order; shows nothing if `silent`.
    pub(in crate::verbs) fn new(hosts: Vec<String>, silent: bool) -> Progress {
        let mode = match (silent, std::io::stderr().is_terminal()) {
            (true, _) => Mode::Silent,
            (false, true) => {
                let screen = MultiProgress::new();
                let name_width = hosts.iter().map(|host| host.chars().count()).max().unwrap_or_default();
                let rows = hosts.into_iter().map(|host| (host, screen.add(row()))).collect();
                Mode::Rows { screen, rows, name_width }
            }
            (false, false) => Mode::Lines,
        };
        Progress { mode, began: Instant::now(), stages: Default::default() }
    }

    /// Whether the host was in another stage before.
    fn is_new(&self, host: &str, stage: &Stage) -> bool {
        let Ok(mut stages) = self.stages.lock() else { return false };
        stages.insert(host.to_owned(), stage.clone()).as_ref() != Some(stage)
    }
}

impl Observer for Progress {
    fn reached(&self, host: &str, stage: &Stage) {
        if !self.is_new(host, stage) {
            return;
        }
        match &self.mode {
            Mode::Silent => {}
            Mode::Lines => {
                if let Some(line) = line(host, stage) {
                    print_progress(&format!("{:7.1} s  {line}\n", self.began.elapsed().as_secs_f64()));
                }
            }
            Mode::Rows { rows, name_width, .. } => {
                if let Some(bar) = rows.get(host) {
                    bar.set_message(for_terminal(&row_text(host, *name_width, stage)));
                }
            }
        }
    }

    fn note(&self, host: &str, text: &str) {
        self.message(&format!("{} {host}: {}", Tone::Notable.paint("note"), printable(text)));
    }

    fn message(&self, text: &str) {
        match &self.mode {
            Mode::Silent => {}
            Mode::Lines => print_progress(&format!("{text}\n")),
            // Without rows there is nothing to print above.
            Mode::Rows { rows, .. } if rows.is_empty() => print_progress(&format!("{text}\n")),
            Mode::Rows { screen, .. } => drop(screen.println(for_terminal(text))),
        }
    }
}

/// The last rows stay on the terminal.
impl Drop for Progress {
    fn drop(&mut self) {
        if let Mode::Rows { rows, .. } = &self.mode {
            rows.values().for_each(ProgressBar::abandon);
        }
    }
}

fn row() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style)
}

/// Fits a text to the terminal, without colours where NO_COLOR and the like forbid them: indicatif writes past anstream.
fn for_terminal(text: &str) -> String {
    match anstream::AutoStream::choice(&std::io::stderr()) {
        ColorChoice::Never => anstream::adapter::strip_str(&fit(text)).to_string(),
        _ => fit(text),
    }
}

/// A host's row: its name, its stage, and the first line of the reason for that.
fn row_text(host: &str, name_width: usize, stage: &Stage) -> String {
    let (word, tone) = word(stage);
    let why = reason(stage).unwrap_or_default();
    let first_line = printable(why.lines().next().unwrap_or_default());
    format!("{:<name_width$}  {}  {first_line}", printable(host), tone.paint(&word)).trim_end().to_owned()
}

/// The line for a stage; none for the progress of a copy.
fn line(host: &str, stage: &Stage) -> Option<String> {
    if matches!(stage, Stage::Copy(done, of) if *done != 0 || *of != 0) {
        return None;
    }
    let (word, tone) = word(stage);
    let why = reason(stage).map_or_else(String::new, |why| format!(": {}", printable(&why)));
    Some(format!("{host}: {}{why}", tone.paint(&word)))
}

/// A stage in a word or two.
pub(in crate::verbs) fn word(stage: &Stage) -> (String, Tone) {
    match stage {
        Stage::Preflight => ("preflight".to_owned(), Tone::Faint),
        Stage::Build => ("build".to_owned(), Tone::Plain),
        Stage::Copy(_, 0) => ("copy".to_owned(), Tone::Plain),
        Stage::Copy(done, of) => (format!("copy {done}/{of} paths"), Tone::Plain),
        Stage::Copied => ("copied".to_owned(), Tone::Plain),
        Stage::Rehearse => ("rehearse".to_owned(), Tone::Notable),
        Stage::Activate => ("activate".to_owned(), Tone::Notable),
        Stage::Prove => ("prove".to_owned(), Tone::Notable),
        Stage::Confirmed => ("confirmed".to_owned(), Tone::Good),
        Stage::Unchanged => ("unchanged".to_owned(), Tone::Faint),
        Stage::Skipped => ("skipped".to_owned(), Tone::Faint),
        Stage::NotReached => ("not begun".to_owned(), Tone::Faint),
        Stage::Refused(_) => ("refused".to_owned(), Tone::Bad),
        Stage::Reverted(_) => ("reverted".to_owned(), Tone::Bad),
        Stage::Stuck(_) => ("stuck".to_owned(), Tone::Bad),
    }
}

/// Why a host ended in this stage.
pub(in crate::verbs) fn reason(stage: &Stage) -> Option<String> {
    match stage {
        Stage::Refused(error) => Some(error.to_string()),
        Stage::Reverted(why) | Stage::Stuck(why) => Some(why.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
