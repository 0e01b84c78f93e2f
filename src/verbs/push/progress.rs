//! What a person sees while a push runs: a row a host on a terminal, drawn again when something happens; a line for each thing that
//! happens elsewhere.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::Instant;

use super::super::output::{Table, Tone, cell, printable, tell, toned};
use crate::push::rollout::{Observer, Stage};

/// The display. Hosts tell it from threads of their own, so that its state is behind a lock.
#[allow(clippy::disallowed_types, reason = "a screen is written by one at a time, and no hot path comes here")]
pub(in crate::verbs) struct Progress {
    state: std::sync::Mutex<State>,
}

struct State {
    mode: Mode,
    began: Instant,
    /// In the order of the rollout.
    hosts: Vec<String>,
    stages: BTreeMap<String, Stage>,
    /// Rows that stand on the terminal.
    drawn: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Table,
    Lines,
    Silent,
}

impl Progress {
    /// For hosts in the order of their turns; `silent`: a machine reads what comes at the end.
    #[allow(clippy::disallowed_types, reason = "as above")]
    pub(in crate::verbs) fn new(hosts: Vec<String>, silent: bool) -> Progress {
        let mode = match (silent, std::io::stderr().is_terminal()) {
            (true, _) => Mode::Silent,
            (false, true) => Mode::Table,
            (false, false) => Mode::Lines,
        };
        let state = State { mode, began: Instant::now(), hosts, stages: BTreeMap::new(), drawn: 0 };
        Progress { state: std::sync::Mutex::new(state) }
    }
}

impl Observer for Progress {
    fn note(&self, host: &str, text: &str) {
        self.message(&format!("{} {host}: {}", Tone::Notable.paint("note"), printable(text)));
    }

    /// A line above the table.
    fn message(&self, text: &str) {
        if let Ok(mut state) = self.state.lock()
            && state.mode != Mode::Silent
        {
            state.clear();
            tell(&format!("{text}\n"));
            state.draw();
        }
    }

    fn reached(&self, host: &str, stage: &Stage) {
        let Ok(mut state) = self.state.lock() else { return };
        if state.stages.insert(host.to_owned(), stage.clone()).as_ref() == Some(stage) {
            return;
        }
        match state.mode {
            Mode::Silent => {}
            Mode::Table => {
                state.clear();
                state.draw();
            }
            Mode::Lines => state.line(host, stage),
        }
    }
}

impl State {
    fn line(&self, host: &str, stage: &Stage) {
        // A copy tells of each path; a log needs its begin and its end.
        if matches!(stage, Stage::Copy(done, of) if *done != 0 || *of != 0) {
            return;
        }
        let (word, tone) = word(stage);
        let why = reason(stage).map_or_else(String::new, |why| format!(": {}", printable(&why)));
        let seconds = self.began.elapsed().as_secs_f64();
        tell(&format!("{seconds:7.1} s  {host}: {}{why}\n", tone.paint(&word)));
    }

    fn clear(&mut self) {
        if self.drawn > 0 {
            let _ = write!(std::io::stderr(), "\u{1b}[{}A\u{1b}[J", self.drawn);
            self.drawn = 0;
        }
    }

    fn draw(&mut self) {
        if self.mode != Mode::Table || self.stages.is_empty() {
            return;
        }
        let text = table(&self.hosts, &self.stages);
        self.drawn = text.lines().count();
        tell(&text);
    }
}

/// One row a host.
fn table(hosts: &[String], stages: &BTreeMap<String, Stage>) -> String {
    let mut table = Table::new(&["HOST", "STAGE", ""]);
    for host in hosts {
        let Some(stage) = stages.get(host) else { continue };
        let (word, tone) = word(stage);
        let why = reason(stage).unwrap_or_default();
        let first = why.lines().next().unwrap_or_default();
        // A row that wraps would leave its rest on the screen: all of it is told at the end.
        let short: String = first.chars().take(60).collect();
        table.row(vec![cell(host), toned(word, tone), cell(short)]);
    }
    table.render()
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

/// Why it ended so.
pub(in crate::verbs) fn reason(stage: &Stage) -> Option<String> {
    match stage {
        Stage::Refused(error) => Some(error.to_string()),
        Stage::Reverted(why) | Stage::Stuck(why) => Some(why.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
