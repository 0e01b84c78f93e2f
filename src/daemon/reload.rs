//! A reload: in place, or by a successor. When `--successor PATH` is another build than the one running, PATH is started
//! with `--takeover`; else the document is read again in place.
//!
//! Owns the successor's process until it has taken over. Called by the daemons' control loops.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use super::args::DaemonArgs;
use super::takeover::READY_LIMIT;

/// For the successor's `--check-config`.
const CHECK_LIMIT: Duration = Duration::from_secs(60);

/// For the whole takeover: the time to get ready, and something for the steps before and after.
const TAKEOVER_LIMIT: Duration = READY_LIMIT.saturating_add(Duration::from_secs(60));

/// The longest a reload by a successor takes: whoever asks for one over the admin socket should wait a little longer.
pub const LONGEST: Duration = CHECK_LIMIT.saturating_add(TAKEOVER_LIMIT);

/// Variables that the service manager set for this process alone: a successor that believed WATCHDOG_PID would not feed the
/// watchdog.
const NOT_FOR_THE_SUCCESSOR: [&str; 4] = ["WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

/// How to reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reload {
    /// Read the document again.
    InPlace,
    /// Start this program with `--takeover`.
    Successor(PathBuf),
}

/// Why the successor did not take over: this process goes on.
#[derive(Debug)]
pub enum HandOverError {
    /// It cannot be started.
    CannotStart {
        /// Its program.
        program: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Its `--check-config` did not end.
    CheckTooLong {
        /// Its program.
        program: PathBuf,
        /// How long it was waited for.
        limit: Duration,
    },
    /// Its `--check-config` refuses the document.
    Refused {
        /// Its program.
        program: PathBuf,
        /// The document.
        config: PathBuf,
        /// How it ended.
        status: ExitStatus,
        /// What it found, a line each.
        findings: Vec<String>,
    },
    /// It was started and did not take over.
    NotTaken {
        /// Its program.
        program: PathBuf,
        /// What it did instead.
        why: NotTaken,
    },
}

/// What a successor did instead of taking over.
#[derive(Debug)]
pub enum NotTaken {
    /// It ended.
    Ended(ExitStatus),
    /// It cannot be watched.
    Unwatched(io::Error),
    /// It was killed after this time.
    Killed(Duration),
}

impl HandOverError {
    /// What the successor's `--check-config` found, a line each; empty if it found the document valid.
    pub fn findings(&self) -> &[String] {
        match self {
            HandOverError::Refused { findings, .. } => findings,
            _ => &[],
        }
    }
}

impl fmt::Display for HandOverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandOverError::CannotStart { program, error } => write!(f, "cannot start {}: {error}", program.display()),
            HandOverError::CheckTooLong { program, limit } => {
                write!(f, "{} --check-config did not end within {limit:?}", program.display())
            }
            HandOverError::Refused { program, config, status, .. } => {
                write!(f, "{} refuses {} ({status})", program.display(), config.display())
            }
            HandOverError::NotTaken { program, why } => {
                write!(f, "{} {why}; this process goes on. The log has its reasons", program.display())
            }
        }
    }
}

impl fmt::Display for NotTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotTaken::Ended(status) => write!(f, "ended before it had taken over ({status})"),
            NotTaken::Unwatched(error) => write!(f, "cannot be watched ({error})"),
            NotTaken::Killed(limit) => write!(f, "had not taken over within {limit:?} and was killed"),
        }
    }
}

impl std::error::Error for HandOverError {}

/// Compares the running program with the successor, both with every link resolved.
pub fn choose(successor: Option<&Path>) -> Reload {
    let Some(successor) = successor else { return Reload::InPlace };
    let running = fs::canonicalize("/proc/self/exe").ok();
    let canonical = fs::canonicalize(successor);
    if let Err(error) = &canonical {
        tracing::warn!(%error, "--successor {} cannot be looked at; reloading in place", successor.display());
    }
    decide(running.as_deref(), canonical.ok().as_deref(), successor)
}

/// `running`: none if its file is gone, replaced by an upgrade. `canonical`: none if there is no such program.
fn decide(running: Option<&Path>, canonical: Option<&Path>, successor: &Path) -> Reload {
    if canonical.is_none() || canonical == running { Reload::InPlace } else { Reload::Successor(successor.to_owned()) }
}

/// Has the successor check the document, starts it with `--takeover`, and waits until `taken` is sent (the caller's
/// [`super::takeover::Offered::finish`] returned `Ok`), or the successor ends first, or a time limit (then it is
/// killed). Gives its process id.
///
/// The caller's control loop must go on meanwhile, since it is asked for the takeover: spawn this.
pub async fn hand_over(
    successor: &Path,
    args: &DaemonArgs,
    taken: oneshot::Receiver<()>,
) -> Result<u32, HandOverError> {
    check(successor, &args.config, CHECK_LIMIT).await?;
    let child = takeover_command(successor, &args.config).spawn().map_err(|error| cannot_start(successor, error))?;
    tracing::info!("started {} to take over", successor.display());
    let not_taken = |why| HandOverError::NotTaken { program: successor.to_owned(), why };
    wait(child, taken, TAKEOVER_LIMIT).await.map_err(not_taken)
}

async fn check(successor: &Path, config: &Path, limit: Duration) -> Result<(), HandOverError> {
    let mut command = command(successor, config);
    command.arg("--check-config").kill_on_drop(true);
    let output = match tokio::time::timeout(limit, command.output()).await {
        Ok(output) => output.map_err(|error| cannot_start(successor, error))?,
        Err(_) => return Err(HandOverError::CheckTooLong { program: successor.to_owned(), limit }),
    };
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    let findings = String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
    let (program, config) = (successor.to_owned(), config.to_owned());
    Err(HandOverError::Refused { program, config, status: output.status, findings })
}

fn takeover_command(successor: &Path, config: &Path) -> Command {
    let mut command = command(successor, config);
    // A group of its own: what ends this process's group must not end its successor.
    command.arg("--takeover").arg("--successor").arg(successor).process_group(0);
    command
}

/// NOTIFY_SOCKET, the log's level and all else pass on.
fn command(successor: &Path, config: &Path) -> Command {
    let mut command = Command::new(successor);
    command.arg("--config").arg(config).stdin(Stdio::null());
    for name in NOT_FOR_THE_SUCCESSOR {
        command.env_remove(name);
    }
    command
}

/// The child's process id once it has taken over; else what it did instead. A child that took over is left alone.
async fn wait(mut child: Child, taken: oneshot::Receiver<()>, limit: Duration) -> Result<u32, NotTaken> {
    let process = child.id().unwrap_or_default();
    let taken = async {
        // A sender that was dropped says nothing: the child's end or the limit will.
        if taken.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        () = taken => Ok(process),
        status = child.wait() => Err(match status {
            Ok(status) => NotTaken::Ended(status),
            Err(error) => NotTaken::Unwatched(error),
        }),
        () = tokio::time::sleep(limit) => {
            let _ = child.kill().await;
            Err(NotTaken::Killed(limit))
        }
    }
}

fn cannot_start(successor: &Path, error: io::Error) -> HandOverError {
    HandOverError::CannotStart { program: successor.to_owned(), error }
}

#[cfg(test)]
mod tests;
