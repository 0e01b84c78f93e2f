//! The step between the demo and a daemon it starts (`polder demo launch`, hidden).
//!
//! Between fork and exec hardly anything may be done, and nothing without unsafe code. So the demo starts this small
//! step, which asks the kernel to end the process with the demo, says whose the passed descriptors are (LISTEN_PID is
//! the process's own number, `sd_listen_fds(3)`), and becomes the daemon.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;

/// `polder demo launch`.
#[derive(Debug, Clone, clap::Args)]
pub struct LaunchArgs {
    /// The process that starts this one
    #[arg(long)]
    parent: i32,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// Becomes the program; returns only if it cannot.
pub fn run(args: LaunchArgs) -> ExitCode {
    let _ = set_pdeathsig(Signal::SIGKILL);
    if nix::unistd::getppid().as_raw() != args.parent {
        // The demo ended before the kernel knew of our wish.
        return ExitCode::from(3);
    }
    let Some((program, arguments)) = args.command.split_first() else { return ExitCode::from(2) };
    let mut command = Command::new(program);
    command.args(arguments);
    if std::env::var_os("LISTEN_FDS").is_some() {
        command.env("LISTEN_PID", std::process::id().to_string());
    }
    let error = command.exec();
    let _ = writeln!(std::io::stderr(), "polder demo launch: {}: {error}", program.to_string_lossy());
    ExitCode::from(3)
}
