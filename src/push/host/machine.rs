//! The gate's and the supervisor's operations on their machine: inspect systems, switch, set the profile.
//!
//! Owns the calls of Nix and systemd on a host. Must never: make decisions. Called by [`crate::push::gate`] and
//! [`crate::push::supervisor`].

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::api::daemon::Daemon;
use crate::daemon::clock;
use crate::files;
use crate::push::error::Error;
use crate::push::host::paths::HostPaths;
use crate::push::program::{last_lines, output, text};

/// Lines of a switch's output that are reported when it fails.
const LAST_LINES: usize = 12;

/// What a switch does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Activate it now, without making it the boot default.
    Test,
    /// Make it the boot default.
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
    /// The system is active.
    Succeeded,
    /// The system is active, but these units have failed that had not failed before.
    UnitsFailed(Vec<String>),
    /// The switch failed: its last lines of output.
    Failed(String),
}

/// The running system.
///
/// # Errors
///
/// There is no such link: this is not a NixOS machine.
pub fn current(paths: &HostPaths) -> io::Result<PathBuf> {
    resolved(&paths.current)
}

/// Resolves a link to a system.
///
/// # Errors
///
/// It cannot be resolved; the error names it.
pub fn resolved(link: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(link).map_err(|error| files::naming(link, &error))
}

/// This host's name, which manifests for it have to name.
pub fn host_name() -> String {
    nix::unistd::gethostname().map_or_else(|_| String::new(), |name| name.to_string_lossy().into_owned())
}

/// The kernel's boot id, which changes with each boot.
pub fn boot_id() -> String {
    clock::boot_id().to_owned()
}

/// Free bytes for an unprivileged user on the file system of a path.
pub fn free_bytes(path: &Path) -> u64 {
    rustix::fs::statvfs(path).map_or(0, |stat| stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// The names of the units that have failed.
pub fn failed_units() -> Vec<String> {
    let arguments = ["list-units", "--state=failed", "--plain", "--no-legend", "--no-pager", "--full"];
    let Ok(printed) = text("systemctl", Path::new("/"), &arguments) else { return Vec::new() };
    printed.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Switches to a system. Exit code 4 means that units have failed; those that had failed before do not count.
pub fn switch(system: &Path, action: Action) -> SwitchResult {
    let failed_before = failed_units();
    let program = system.join("bin/switch-to-configuration");
    // Activation scripts find the programs that a root shell of the system would find.
    let path = format!("{}:{}", system.join("sw/bin").display(), std::env::var("PATH").unwrap_or_default());
    let ran = Command::new(&program)
        .arg(action.name())
        .env("PATH", path)
        // Installing the boot loader itself is left to the operator.
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
                last_lines(&printed, LAST_LINES)
            ))
        }
    }
}

/// Has systemd restart the machine.
///
/// # Errors
///
/// systemd refuses.
pub fn reboot(paths: &HostPaths) -> Result<(), Error> {
    // Not `reboot`, which logind may delay: from here on the machine is going down.
    let arguments = ["--no-block", "--job-mode=replace-irreversibly", "start", "reboot.target"];
    output(&paths.systemctl.to_string_lossy(), Path::new("/"), &arguments).map(drop).map_err(Error::from)
}

/// Whether the machine is going down.
pub fn is_stopping(paths: &HostPaths) -> bool {
    // The exit code says whether it is running.
    let printed = Command::new(&paths.systemctl).arg("is-system-running").stdin(Stdio::null()).output();
    printed.is_ok_and(|printed| printed.stdout.trim_ascii() == b"stopping")
}

/// Reloads the daemons that run here, so that they read their documents and keys again.
///
/// # Errors
///
/// A reload failed: that daemon keeps what it had.
pub fn reload_daemons(paths: &HostPaths) -> Result<(), Error> {
    for daemon in Daemon::ALL.into_iter().filter(|daemon| paths.admin_socket(*daemon).exists()) {
        let unit = format!("{}.service", daemon.program());
        output("systemctl", Path::new("/"), &["reload", &unit])
            .map_err(|error| Error::at(format!("reload of {unit}"), error))?;
    }
    Ok(())
}

/// Restarts the member of etcd that keeps the agreement, if one runs here.
///
/// # Errors
///
/// systemd could not start it again.
pub fn restart_member(paths: &HostPaths) -> Result<(), Error> {
    let systemctl = paths.systemctl.to_string_lossy();
    if output(&systemctl, Path::new("/"), &["is-active", "--quiet", "etcd.service"]).is_err() {
        return Ok(());
    }
    output(&systemctl, Path::new("/"), &["restart", "etcd.service"])
        .map(drop)
        .map_err(|error| Error::at("restart of etcd.service", error))
}

/// Makes a system the profile's newest generation.
///
/// # Errors
///
/// nix-env failed, with its messages.
pub fn set_profile(paths: &HostPaths, system: &Path) -> Result<(), Error> {
    let profile = paths.profile.to_string_lossy().into_owned();
    let system = system.to_string_lossy();
    output("nix-env", Path::new("/"), &["--profile", &profile, "--set", &system]).map(drop).map_err(Error::from)
}

/// Whether the store has a path and knows it as valid.
pub fn is_valid(system: &Path) -> bool {
    output("nix-store", Path::new("/"), &["--check-validity", &system.to_string_lossy()]).is_ok()
}

/// Protects a system from the garbage collector. It need not be in the store yet.
///
/// # Errors
///
/// The link cannot be created.
pub fn hold(paths: &HostPaths, system: &Path) -> io::Result<()> {
    fs::create_dir_all(&paths.roots)?;
    let fresh = paths.roots.join("next.new");
    let _ = fs::remove_file(&fresh);
    symlink(system, &fresh)?;
    fs::rename(&fresh, paths.roots.join("next"))
}

/// Ends the protection by [`hold`].
pub fn release(paths: &HostPaths) {
    let _ = fs::remove_file(paths.roots.join("next"));
}
