//! Programs of others: started in folders of their own and ended with the test, or run to their end.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A server that runs until it is dropped; what it says is in a file.
pub struct Running {
    process: Child,
    log: std::path::PathBuf,
}

impl Running {
    pub fn start(folder: &Path, name: &str, mut command: Command) -> Running {
        let log = folder.join(format!("{name}.log"));
        let out = fs::File::create(&log).unwrap();
        command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out).current_dir(folder);
        let program = command.get_program().to_owned();
        let process = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        Running { process, log }
    }

    /// Has a daemon read its document again.
    pub fn reload(&self) {
        kill(Pid::from_raw(self.process.id().cast_signed()), Signal::SIGHUP).unwrap();
    }

    pub fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Debian keeps servers where only root's PATH looks.
pub fn program(name: &str) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let found = folders.map(|folder| folder.join(name)).find(|file| file.exists());
    Command::new(found.unwrap_or_else(|| name.into()))
}

/// How it ended.
pub struct Ended {
    pub is_success: bool,
    /// Both of its outputs.
    pub said: String,
}

pub fn run(command: &mut Command) -> Ended {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| {
        panic!("{}: {error}; see CONTRIBUTING.md for what is needed", command.get_program().display())
    });
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Ended { is_success: output.status.success(), said }
}

/// What it prints; it has to succeed.
pub fn told_by(command: &mut Command) -> String {
    let ended = run(command);
    assert!(ended.is_success, "{command:?}:\n{}", ended.said);
    ended.said
}
