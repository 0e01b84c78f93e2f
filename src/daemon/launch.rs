//! The step between the operator's command and a daemon that it starts (`polder launch`, hidden).
//!
//! Between fork and exec hardly anything may be done, and nothing without unsafe code. So the demo and the rehearsal start
//! this small step, which asks the kernel to end the process with its parent, says whose the passed descriptors are
//! (LISTEN_PID is the process's own number, `sd_listen_fds(3)`), and becomes the daemon. [`command`] is what they start.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use command_fds::{CommandFdExt, FdMapping};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;

/// The first descriptor that is passed (`sd_listen_fds(3)`: SD_LISTEN_FDS_START).
const FIRST_PASSED: i32 = 3;

/// `polder launch`.
#[derive(Debug, Clone, clap::Args)]
pub struct LaunchArgs {
    /// The process that starts this one
    #[arg(long)]
    parent: i32,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// What starts a program that ends with this process, by way of `polder`, and knows of no service manager.
pub fn command(polder: &Path, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(polder);
    command.args(["launch", "--parent", &std::process::id().to_string(), "--"]).arg(program);
    for name in ["NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID", "WATCHDOG_USEC", "WATCHDOG_PID"] {
        command.env_remove(name);
    }
    command
}

/// Passes descriptors as systemd does.
///
/// # Errors
///
/// They cannot be copied.
pub fn pass(command: &mut Command, descriptors: Vec<OwnedFd>) -> io::Result<()> {
    command.env("LISTEN_FDS", descriptors.len().to_string());
    let mapping = |(child_fd, parent_fd)| FdMapping { parent_fd, child_fd };
    command.fd_mappings((FIRST_PASSED..).zip(descriptors).map(mapping).collect()).map_err(io::Error::other)?;
    Ok(())
}

/// Becomes the program; returns only if it cannot.
pub fn run(args: LaunchArgs) -> ExitCode {
    let _ = set_pdeathsig(Signal::SIGKILL);
    if nix::unistd::getppid().as_raw() != args.parent {
        // The parent ended before prctl(2) was called: no signal will come.
        return ExitCode::from(3);
    }
    let Some((program, arguments)) = args.command.split_first() else { return ExitCode::from(2) };
    let mut command = Command::new(program);
    command.args(arguments);
    if std::env::var_os("LISTEN_FDS").is_some() {
        command.env("LISTEN_PID", std::process::id().to_string());
    }
    let error = command.exec();
    let _ = writeln!(std::io::stderr(), "polder launch: {}: {error}", program.to_string_lossy());
    ExitCode::from(3)
}
