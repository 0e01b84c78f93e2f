//! A reload: in place, or by a successor. When `--successor PATH` is another build than the one running, PATH is started
//! with `--takeover`; else the document is read again in place.
//!
//! Owns the successor's process until it has taken over. Called by the daemons' control loops.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
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

/// What the service manager said to this very process and not to the next: a successor that believed WATCHDOG_PID would
/// not feed the watchdog.
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOverError {
    /// For the operator.
    pub message: String,
    /// What the successor's `--check-config` found, a line each; empty if it found the document valid.
    pub findings: Vec<String>,
}

impl fmt::Display for HandOverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for HandOverError {}

impl HandOverError {
    fn new(message: String) -> HandOverError {
        HandOverError { message, findings: Vec::new() }
    }
}

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
    let child = takeover_command(successor, &args.config).spawn().map_err(|error| cannot_start(successor, &error))?;
    tracing::info!("started {} to take over", successor.display());
    wait(child, taken, TAKEOVER_LIMIT).await.map_err(|why| {
        HandOverError::new(format!("{} {why}; this process goes on. The log has its reasons", successor.display()))
    })
}

async fn check(successor: &Path, config: &Path, limit: Duration) -> Result<(), HandOverError> {
    let mut command = command(successor, config);
    command.arg("--check-config").kill_on_drop(true);
    let output = match tokio::time::timeout(limit, command.output()).await {
        Ok(output) => output.map_err(|error| cannot_start(successor, &error))?,
        Err(_) => {
            let message = format!("{} --check-config did not end within {limit:?}", successor.display());
            return Err(HandOverError::new(message));
        }
    };
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    let findings = String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
    let message = format!("{} refuses {} ({})", successor.display(), config.display(), output.status);
    Err(HandOverError { message, findings })
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
async fn wait(mut child: Child, taken: oneshot::Receiver<()>, limit: Duration) -> Result<u32, String> {
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
            Ok(status) => format!("ended before it had taken over ({status})"),
            Err(error) => format!("cannot be watched ({error})"),
        }),
        () = tokio::time::sleep(limit) => {
            let _ = child.kill().await;
            Err(format!("had not taken over within {limit:?} and was killed"))
        }
    }
}

fn cannot_start(successor: &Path, error: &std::io::Error) -> HandOverError {
    HandOverError::new(format!("cannot start {}: {error}", successor.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::ffi::OsStr;

    use super::*;

    /// More than any test waits for.
    const LONG: Duration = Duration::from_secs(60);

    fn sleeper() -> Child {
        Command::new("sleep").arg("60").spawn().unwrap()
    }

    fn running(process: u32) -> bool {
        let process = nix::unistd::Pid::from_raw(process.try_into().unwrap());
        nix::sys::signal::kill(process, None).is_ok()
    }

    #[test]
    fn a_reload_is_in_place_unless_the_successor_is_another_program() {
        let (link, one, two) = (Path::new("/etc/polder/bin/p"), Path::new("/store/1/p"), Path::new("/store/2/p"));
        assert_eq!(decide(Some(one), Some(one), link), Reload::InPlace);
        assert_eq!(decide(Some(one), None, link), Reload::InPlace);
        assert_eq!(decide(Some(one), Some(two), link), Reload::Successor(link.into()));
        assert_eq!(decide(None, Some(two), link), Reload::Successor(link.into()), "replaced on disk");
    }

    #[test]
    fn the_running_program_is_recognised_through_links() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(std::env::current_exe().unwrap(), &link).unwrap();
        assert_eq!(choose(Some(&link)), Reload::InPlace);
        assert_eq!(choose(Some(&folder.path().join("missing"))), Reload::InPlace);
        assert_eq!(choose(None), Reload::InPlace);
        assert_eq!(choose(Some(Path::new("/bin/sh"))), Reload::Successor("/bin/sh".into()));
    }

    #[test]
    fn the_successor_takes_over_with_the_same_document_and_successor_and_its_own_environment() {
        let command = takeover_command(Path::new("/bin/p"), Path::new("/etc/p.json"));
        let command = command.as_std();
        let arguments: Vec<&OsStr> = command.get_args().collect();
        assert_eq!(arguments, ["--config", "/etc/p.json", "--takeover", "--successor", "/bin/p"]);
        let removed: Vec<&OsStr> =
            command.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        assert_eq!(removed, ["LISTEN_FDNAMES", "LISTEN_FDS", "LISTEN_PID", "WATCHDOG_PID"]);
    }

    #[tokio::test]
    async fn a_document_the_successor_refuses_is_an_error_with_its_findings() {
        let error = check(Path::new("/bin/sh"), Path::new("/no/such/document"), LONG).await.unwrap_err();
        assert!(error.message.contains("/bin/sh refuses /no/such/document"), "{error:?}");
        assert!(!error.findings.is_empty(), "what it printed: {error:?}");
        assert_eq!(check(Path::new("true"), Path::new("/x"), LONG).await, Ok(()));
        let error = check(Path::new("/no/such/program"), Path::new("/x"), LONG).await.unwrap_err();
        assert!(error.message.contains("cannot start /no/such/program"), "{error:?}");
    }

    #[tokio::test]
    async fn a_successor_that_took_over_is_left_alone() {
        let child = sleeper();
        let process = child.id().unwrap();
        let (sender, taken) = oneshot::channel();
        sender.send(()).unwrap();
        assert_eq!(wait(child, taken, LONG).await, Ok(process));
        assert!(running(process));
        nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(process.try_into().unwrap()),
            nix::sys::signal::Signal::SIGKILL,
        )
        .unwrap();
    }

    #[tokio::test]
    async fn a_successor_that_ends_first_is_an_error_with_its_status() {
        let (sender, taken) = oneshot::channel();
        let child = Command::new("false").spawn().unwrap();
        assert_eq!(wait(child, taken, LONG).await, Err("ended before it had taken over (exit status: 1)".to_owned()));
        drop(sender);
    }

    #[tokio::test]
    async fn a_successor_that_does_not_get_there_is_killed() {
        let child = sleeper();
        let process = child.id().unwrap();
        let (sender, taken) = oneshot::channel();
        drop(sender);
        let error = wait(child, taken, Duration::from_millis(10)).await.unwrap_err();
        assert!(error.contains("was killed"), "{error}");
        assert!(!running(process));
    }
}
