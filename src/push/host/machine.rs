//! What the gate and the supervisor do to their machine: look at systems, switch, set the profile.
//!
//! Owns the calls of Nix' and systemd's programs on a host. Must never: decide. Called by [`crate::push::gate`] and
//! [`crate::push::supervisor`].

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::api::daemon::Daemon;
use crate::push::error::Error;
use crate::push::host::paths::HostPaths;
use crate::push::program::output;

/// Lines of a switch's output that are told when it fails.
const LAST_LINES: usize = 12;

/// What a switch does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Run it now, and not at the next boot.
    Test,
    /// Boot it by default.
    Boot,
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Action::Test => "test",
            Action::Boot => "boot",
        }
    }
}

/// How a switch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwitchResult {
    /// All of it worked.
    Succeeded,
    /// The system runs, and these units that had not failed before have now.
    UnitsFailed(Vec<String>),
    /// It did not work: its last lines.
    Failed(String),
}

/// The system that runs.
///
/// # Errors
///
/// There is no such link: this is no NixOS machine.
pub fn current(paths: &HostPaths) -> io::Result<PathBuf> {
    resolved(&paths.current)
}

/// What a link to a system leads to in the end.
///
/// # Errors
///
/// There is none; the error names it.
pub fn resolved(link: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(link).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", link.display())))
}

/// This host's name: what manifests for it name.
pub fn host_name() -> String {
    nix::unistd::gethostname().map_or_else(|_| String::new(), |name| name.to_string_lossy().into_owned())
}

/// Changes with each boot.
pub fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map_or_else(|_| "unknown".to_owned(), |id| id.trim().to_owned())
}

/// Free bytes for an unprivileged user on the file system of a path.
pub fn free_bytes(path: &Path) -> u64 {
    rustix::fs::statvfs(path).map_or(0, |stat| stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// The units that have failed, by name.
pub fn failed_units() -> Vec<String> {
    let arguments = ["list-units", "--state=failed", "--plain", "--no-legend", "--no-pager", "--full"];
    let Ok(printed) = output("systemctl", Path::new("/"), &arguments) else { return Vec::new() };
    let printed = String::from_utf8_lossy(&printed);
    printed.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Switches. Exit code 4 means that units have failed: those that had before are not held against it.
pub fn switch(system: &Path, action: Action) -> SwitchResult {
    let failed_before = failed_units();
    let program = system.join("bin/switch-to-configuration");
    // What activation scripts call is what a root shell of the system would find.
    let path = format!("{}:{}", system.join("sw/bin").display(), std::env::var("PATH").unwrap_or_default());
    let ran = Command::new(&program)
        .arg(action.name())
        .env("PATH", path)
        // Where the boot loader's own files have to be renewed is the operator's decision, not a push's.
        .env("NIXOS_INSTALL_BOOTLOADER", "0")
        .stdin(Stdio::null())
        .output();
    let ran = match ran {
        Ok(ran) => ran,
        Err(error) => return SwitchResult::Failed(format!("{} did not start: {error}", program.display())),
    };
    let printed = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    for line in printed.lines() {
        tracing::info!("{line}");
    }
    match ran.status.code() {
        Some(0) => SwitchResult::Succeeded,
        Some(4) => {
            let mut failed = failed_units();
            failed.retain(|unit| !failed_before.contains(unit));
            if failed.is_empty() { SwitchResult::Succeeded } else { SwitchResult::UnitsFailed(failed) }
        }
        code => {
            let code = code.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
            SwitchResult::Failed(format!(
                "{} {} ended with {code}: {}",
                program.display(),
                action.name(),
                last_lines(&printed)
            ))
        }
    }
}

fn last_lines(printed: &str) -> String {
    let lines: Vec<&str> = printed.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

/// Lets the daemons that run here read their documents and keys again. One that does not run reads them when it starts.
///
/// # Errors
///
/// One refuses: it goes on with what it had.
pub fn reload_daemons(paths: &HostPaths) -> Result<(), Error> {
    for daemon in Daemon::ALL.into_iter().filter(|daemon| paths.admin_socket(daemon.name()).exists()) {
        let unit = format!("{}.service", daemon.name());
        output("systemctl", Path::new("/"), &["reload", &unit])
            .map_err(|error| Error::at(format!("reload of {unit}"), error))?;
    }
    Ok(())
}

/// Makes a system the profile's newest generation.
///
/// # Errors
///
/// What nix-env says.
pub fn set_profile(paths: &HostPaths, system: &Path) -> Result<(), Error> {
    let profile = paths.profile.to_string_lossy().into_owned();
    let system = system.to_string_lossy();
    output("nix-env", Path::new("/"), &["--profile", &profile, "--set", &system]).map(drop).map_err(Error::from)
}

/// Whether the store has a path, whole and registered.
pub fn is_valid(system: &Path) -> bool {
    output("nix-store", Path::new("/"), &["--check-validity", &system.to_string_lossy()]).is_ok()
}

/// Keeps a system from the garbage collector. It need not be there yet: the root is looked at when garbage is collected.
///
/// # Errors
///
/// The link cannot be made.
pub fn hold(paths: &HostPaths, system: &Path) -> io::Result<()> {
    fs::create_dir_all(&paths.roots)?;
    let fresh = paths.roots.join("next.new");
    let _ = fs::remove_file(&fresh);
    symlink(system, &fresh)?;
    fs::rename(&fresh, paths.roots.join("next"))
}

/// Lets go of what [`hold`] kept.
pub fn release(paths: &HostPaths) {
    let _ = fs::remove_file(paths.roots.join("next"));
}
