//! The forced command of the deploy user: decides what a connection is for.

use std::io::{self, BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::Caller;
use super::relay::copy_both_ways;
use crate::push::protocol::{Answer, Daemon, Request, VERSION};

/// What a connection is for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Purpose {
    /// The store's protocol.
    Store,
    /// One request.
    Ask,
    /// A daemon's admin socket.
    Relay(Daemon),
}

/// Serves one connection of ssh on standard input and output. `original` is what the caller asked ssh to run.
///
/// # Errors
///
/// What the caller should read on standard error.
pub fn forced(from: &str, original: Option<&str>, socket: &Path) -> Result<(), String> {
    match purpose(original.unwrap_or_default())? {
        Purpose::Store => {
            let error = Command::new("nix-daemon").arg("--stdio").exec();
            Err(format!("nix-daemon did not start: {error}"))
        }
        Purpose::Ask => copy_both_ways(entrance(from, socket)?).map_err(|error| error.to_string()),
        Purpose::Relay(daemon) => {
            let gate = entrance(from, socket)?;
            open_relay(&gate, daemon)?;
            copy_both_ways(gate).map_err(|error| error.to_string())
        }
    }
}

/// From the words of the caller.
fn purpose(original: &str) -> Result<Purpose, String> {
    let words: Vec<&str> = original.split_whitespace().collect();
    match words[..] {
        ["nix-daemon", "--stdio"] => Ok(Purpose::Store),
        ["polder", version, ref rest @ ..] if version == VERSION.to_string() => match rest {
            [] => Ok(Purpose::Ask),
            ["relay", name] => {
                let daemon = Daemon::ALL.into_iter().find(|daemon| daemon.name() == *name);
                daemon.map(Purpose::Relay).ok_or_else(|| format!("there is no daemon {name:?} to relay to"))
            }
            _ => Err(format!("this gate has no such verb: {}", rest.join(" "))),
        },
        ["polder", version, ..] => Err(format!(
            "this host's gate speaks version {VERSION} of the push protocol, and you speak {version}: push with a polder of \
             its release ({}), or switch the host by hand once",
            env!("CARGO_PKG_VERSION")
        )),
        _ => Err("this user can only be pushed to: its one command is `polder gate`".to_owned()),
    }
}

fn entrance(from: &str, socket: &Path) -> Result<UnixStream, String> {
    let mut gate = UnixStream::connect(socket).map_err(|error| {
        format!("{}: {error}; see `systemctl status polder-gate.socket` on this host", socket.display())
    })?;
    let caller = Caller { from: from.to_owned() };
    writeln!(gate, "{}", json!(caller)).map_err(|error| error.to_string())?;
    Ok(gate)
}

/// After the answer, what comes is the daemon's.
fn open_relay(mut gate: &UnixStream, daemon: Daemon) -> Result<(), String> {
    writeln!(gate, "{}", json!(Request::Relay { daemon })).map_err(|error| error.to_string())?;
    let mut line = String::new();
    // A buffer of one byte: nothing of the daemon's own words may stay in it.
    BufReader::with_capacity(1, gate).read_line(&mut line).map_err(|error| error.to_string())?;
    match serde_json::from_str(&line) {
        Ok(Answer::Done) => Ok(()),
        Ok(Answer::Refused { why }) => Err(refused(gate, why)),
        _ => Err(refused(gate, format!("the gate answered {line:?}"))),
    }
}

fn refused(gate: &UnixStream, why: String) -> String {
    let _: io::Result<()> = gate.shutdown(Shutdown::Both);
    why
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stores_protocol_and_the_gates_own_are_let_through() {
        assert_eq!(purpose("nix-daemon --stdio"), Ok(Purpose::Store));
        assert_eq!(purpose("polder 1"), Ok(Purpose::Ask));
        assert_eq!(purpose("polder 1 relay polder-dns"), Ok(Purpose::Relay(Daemon::PolderDns)));
    }

    #[test]
    fn nothing_else_is() {
        for words in [
            "",
            "sh",
            "nix-daemon --stdio; id",
            "nix-daemon --stdio --option trusted-users polder-deploy",
            "nix-store --serve --write",
            "polder 1 relay sshd",
            "polder 1 gate --serve",
            "polder",
        ] {
            assert!(purpose(words).is_err(), "{words}");
        }
    }

    #[test]
    fn another_version_is_told_apart_from_nonsense() {
        let why = purpose("polder 2").unwrap_err();
        assert!(why.contains("speaks version 1") && why.contains("you speak 2"), "{why}");
    }
}
