//! The product's own verbs under the demo's keys: each is run as from another terminal.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::demo::documents::STATEFUL;

/// A verb of the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Drain,
    Maint,
    Ready,
    Failover,
    Failback,
}

/// A step of a latch waits for the requests that run.
const LIMIT: Duration = Duration::from_secs(90);

impl Verb {
    /// What a person would type after `polder`, the part being selected.
    fn words(self, part: &str) -> [&str; 2] {
        match self {
            Verb::Drain => ["drain", part],
            Verb::Maint => ["maint", part],
            Verb::Ready => ["ready", part],
            Verb::Failover => ["failover", STATEFUL],
            Verb::Failback => ["failback", STATEFUL],
        }
    }

    /// Runs it for the selected part, and gives the command with what it said.
    pub(super) async fn run(self, polder: &Path, part: &str) -> String {
        let words = self.words(part);
        let called = format!("`polder {}`", words.join(" "));
        let run = tokio::process::Command::new(polder)
            .args(words)
            .args(["--demo", "--why", "a key of the demo"])
            .envs([("COLUMNS", "1000"), ("NO_COLOR", "1")])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        match tokio::time::timeout(LIMIT, run).await {
            Ok(Ok(output)) => {
                let said = [output.stdout, output.stderr].concat();
                format!("{called}: {}", gist(&String::from_utf8_lossy(&said)))
            }
            Ok(Err(error)) => format!("{called} did not start: {error}"),
            Err(_) => format!("{called} has not ended within {LIMIT:?}"),
        }
    }
}

/// The line that says what became of it: the first that is no heading of a table (pure).
fn gist(said: &str) -> &str {
    let line = said.lines().find(|line| !line.is_empty() && !line.starts_with("DAEMON"));
    line.map_or("done", |line| line.strip_prefix("polder: ").unwrap_or(line))
}

#[cfg(test)]
mod tests;
