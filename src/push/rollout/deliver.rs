//! Builds systems, signs them with the admin's key, and copies them to their hosts.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::host::in_words;
use super::{Move, Rollout, Stage};
use crate::push::program::output;
use crate::push::protocol::{Answer, Request};

/// Nix' number for the activity of copying several paths, and for a result that tells its progress (its logging.hh).
const COPY_PATHS: u64 = 103;
const PROGRESS: u64 = 105;

/// Lines that are told of a build that fails.
const LAST_LINES: usize = 20;

const FEATURES: [&str; 2] = ["--extra-experimental-features", "nix-command flakes"];

/// Builds derivations, as many at once as Nix is set to.
///
/// # Errors
///
/// The end of Nix' log.
pub fn build(derivations: &[PathBuf]) -> Result<(), String> {
    let mut arguments = vec!["build".to_owned(), "--no-link".to_owned(), "--print-build-logs".to_owned()];
    arguments.extend(FEATURES.map(str::to_owned));
    arguments.extend(derivations.iter().map(|derivation| format!("{}^out", derivation.display())));
    output("nix", Path::new("/"), &arguments).map(drop).map_err(|failure| last_lines(&failure.in_words("nix build")))
}

/// Signs systems with all they need. What is signed already stays as it is.
///
/// # Errors
///
/// The key cannot be read, or this user may not sign.
pub fn sign(key: &Path, systems: &[PathBuf]) -> Result<(), String> {
    let mut arguments = vec!["store".to_owned(), "sign".to_owned(), "--recursive".to_owned(), "--key-file".to_owned()];
    arguments.push(key.display().to_string());
    arguments.extend(FEATURES.map(str::to_owned));
    arguments.extend(systems.iter().map(|system| system.display().to_string()));
    output("nix", Path::new("/"), &arguments).map(drop).map_err(|failure| failure.in_words("nix store sign"))
}

impl Rollout<'_> {
    /// Copies a host's system there, held from the garbage collector from before on.
    ///
    /// # Errors
    ///
    /// Why it is not there.
    pub fn copy(&self, one: &Move) -> Result<(), String> {
        self.watch.at(&one.host, &Stage::Copy(0, 0));
        let hold = Request::Hold { token: self.token.to_owned(), system: one.system.clone() };
        match self.remotes.ask(&one.host, &hold, Duration::from_secs(20)) {
            Ok(Answer::Done) => {}
            other => return Err(in_words(other)),
        }
        let (store, options) = self.remotes.nix_store(&one.host).map_err(|silence| silence.in_words().to_owned())?;
        let mut copy = Command::new("nix");
        copy.args(["copy", "--to", &store, "--log-format", "internal-json", "-v"]).args(FEATURES).arg(&one.system);
        copy.env("NIX_SSHOPTS", options).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        // Its ssh is not to die of the operator's ctrl-C before we decide what that means.
        copy.process_group(0);
        let mut child = copy.spawn().map_err(|error| format!("nix did not start: {error}"))?;
        let mut log = Log::default();
        if let Some(errors) = child.stderr.take() {
            for line in BufReader::new(errors).split(b'\n').map_while(Result::ok) {
                if let Some((done, of)) = log.read(&String::from_utf8_lossy(&line)) {
                    self.watch.at(&one.host, &Stage::Copy(done, of));
                }
            }
        }
        match child.wait() {
            Ok(status) if status.success() => {
                self.watch.at(&one.host, &Stage::Copied);
                Ok(())
            }
            Ok(_) => Err(format!("nix copy: {}", log.words())),
            Err(error) => Err(format!("nix copy: {error}")),
        }
    }
}

/// What Nix tells in its `internal-json` format: how far it is, and what went wrong.
#[derive(Debug, Default)]
struct Log {
    /// The activity that copies all paths.
    copying: Option<u64>,
    errors: Vec<String>,
}

impl Log {
    /// Paths done, and of how many, if the line tells it.
    fn read(&mut self, line: &str) -> Option<(u64, u64)> {
        let Some(json) = line.strip_prefix("@nix ") else {
            self.errors.push(line.to_owned());
            return None;
        };
        let event: Value = serde_json::from_str(json).ok()?;
        let number = |key: &str| event.get(key).and_then(Value::as_u64);
        match event.get("action")?.as_str()? {
            "start" if number("type") == Some(COPY_PATHS) => self.copying = number("id"),
            "result" if number("type") == Some(PROGRESS) && number("id") == self.copying => {
                let field = |at: usize| event.get("fields")?.get(at)?.as_u64();
                return Some((field(0)?, field(1)?));
            }
            "msg" if number("level") == Some(0) => {
                let text = event.get("raw_msg").or_else(|| event.get("msg"))?.as_str()?;
                self.errors.push(anstream::adapter::strip_str(text).to_string());
            }
            _ => {}
        }
        None
    }

    fn words(&self) -> String {
        match self.errors.is_empty() {
            true => "it failed without a word".to_owned(),
            false => last_lines(&self.errors.join("\n")),
        }
    }
}

fn last_lines(said: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_that_of_the_activity_that_copies_all_paths() {
        let mut log = Log::default();
        for (line, told) in [
            (r#"@nix {"action":"start","id":7,"level":5,"parent":0,"text":"","type":103}"#, None),
            (r#"@nix {"action":"start","id":8,"level":5,"parent":7,"text":"copying","type":100}"#, None),
            (r#"@nix {"action":"result","fields":[10,20,0,0],"id":8,"type":105}"#, None),
            (r#"@nix {"action":"result","fields":[1,12,1,0],"id":7,"type":105}"#, Some((1, 12))),
            (r#"@nix {"action":"stop","id":7}"#, None),
        ] {
            assert_eq!(log.read(line), told, "{line}");
        }
    }

    #[test]
    fn what_went_wrong_is_told_without_colours() {
        let mut log = Log::default();
        log.read("@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"\\u001b[31;1merror:\\u001b[0m cannot add path\"}");
        log.read(r#"@nix {"action":"msg","level":3,"msg":"copying 3 paths"}"#);
        assert_eq!(log.words(), "error: cannot add path");
    }
}
