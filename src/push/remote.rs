//! Connections from the admin machine to the hosts' gates: ssh with the deploy key, and with host keys pinned by the fleet.
//!
//! Owns every ssh process of a push. Must never: trust a host by its address, forward anything, or ask for a password. Called by
//! the verbs that speak to the fleet.

mod clock;
pub mod gates;
pub mod no_answer;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::net::{IpAddr, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde_json::Value;
use tempfile::TempDir;

use crate::api::daemon::Daemon;
use crate::fleet::Fleet;
use crate::push::admin::Admin;
use crate::push::error::Error;
use crate::push::protocol::manifest::{Manifest, VALIDITY, seal};
use crate::push::protocol::signing::SigningKey;
use crate::push::protocol::{Answer, Instruction, Question, VERSION};
use clock::HostClock;
use no_answer::NoAnswer;

/// The options of every connection: this key only, no password, nothing forwarded, known hosts only. A host that does not answer is
/// given up after 5 s, a dead connection after 15 s.
const OPTIONS: [&str; 14] = [
    "BatchMode=yes",
    "IdentitiesOnly=yes",
    "PasswordAuthentication=no",
    "KbdInteractiveAuthentication=no",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "StrictHostKeyChecking=yes",
    "GlobalKnownHostsFile=/dev/null",
    "UpdateHostKeys=no",
    "LogLevel=ERROR",
    "ConnectTimeout=5",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
];

/// The name of the deploy key's copy in the temporary folder.
const DEPLOY_KEY: &str = "deploy.key";

/// How long a shared connection outlives its last use, in seconds.
const SHARED_SECONDS: u32 = 30;

/// How far a host's clock may be ahead, in milliseconds. A clock that is behind does no harm.
const FARTHEST_AHEAD: i64 = 3_600_000;

/// How long a host may take to send its clock.
const CLOCK: Duration = Duration::from_secs(10);

/// How long a daemon's status may take.
const STATUS: Duration = Duration::from_secs(10);

/// How long ssh may take to end after the answer.
const LEAVING: Duration = Duration::from_secs(5);

/// The longest answer, in bytes: the documents, zones and units of a host.
const ANSWER_BYTES: u64 = 64 * 1024 * 1024;

/// Whether a request may use a shared connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connection {
    Shared,
    /// A new one, which proves that the host accepts new connections.
    Fresh,
}

/// The gates of a fleet's hosts.
#[derive(Debug)]
pub struct Remotes {
    /// The temporary folder with known hosts, the key's copy and the sockets of shared connections.
    kept: TempDir,
    admin: Admin,
    /// The address of each host with a pinned key.
    addresses: BTreeMap<String, IpAddr>,
    /// The addresses of this machine.
    own: Vec<IpAddr>,
    /// The clock of each host, by which its manifests are signed.
    clocks: BTreeMap<String, HostClock>,
    /// The signing key, read when it is first needed: questions need none.
    signing: OnceLock<Result<SigningKey, Error>>,
}

impl Remotes {
    /// Prepares connections to every host with a pinned key. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// There is no temporary folder, or the deploy key cannot be read.
    pub fn new(fleet: &Fleet, admin: &Admin) -> io::Result<Remotes> {
        // In the login's own runtime folder, if there is one, so that nobody else sees what a killed pusher leaves behind.
        let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_dir());
        let kept = tempfile::Builder::new().prefix("polder-").tempdir_in(own.unwrap_or_else(std::env::temp_dir))?;
        let mut addresses = BTreeMap::new();
        let mut known = String::new();
        for (name, host) in &fleet.hosts {
            let (Some(address), Some(key)) = (host.addresses.first(), &host.host_key) else { continue };
            known.push_str(&format!("{name} {key}\n"));
            addresses.insert(name.clone(), *address);
        }
        fs::write(kept.path().join("known_hosts"), known)?;
        own_copy(&admin.deploy_key, &kept.path().join(DEPLOY_KEY))?;
        let clocks = addresses.keys().map(|host| (host.clone(), HostClock::default())).collect();
        let own = fleet.hosts.get(&admin.name).map(|host| host.addresses.clone()).unwrap_or_default();
        Ok(Remotes { kept, admin: admin.clone(), addresses, own, clocks, signing: OnceLock::new() })
    }

    /// This admin machine.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// This admin machine's signing key.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn signing_key(&self) -> Result<&SigningKey, Error> {
        self.signing.get_or_init(|| SigningKey::read(&self.admin.signing_key)).as_ref().map_err(Error::clone)
    }

    /// Asks a question over a new connection, which proves that the host accepts new connections.
    ///
    /// # Errors
    ///
    /// No answer.
    pub fn ask_afresh(&self, host: &str, question: &Question, limit: Duration) -> Result<Answer, NoAnswer> {
        self.question(host, question, limit, Connection::Fresh)
    }

    /// Sends an instruction over a new connection, which proves that the host accepts new connections.
    ///
    /// # Errors
    ///
    /// As [`gates::Gates::instruct`].
    pub fn instruct_afresh(&self, host: &str, instruction: &Instruction, limit: Duration) -> Result<Answer, NoAnswer> {
        self.signed(host, instruction, limit, Connection::Fresh)
    }

    /// A daemon's status, through its host's gate.
    ///
    /// # Errors
    ///
    /// There is no answer, or it is not JSON.
    pub fn daemon_status(&self, host: &str, daemon: Daemon) -> Result<Value, NoAnswer> {
        let look = Question::Look { daemon, target: "/status".to_owned() };
        match self.question(host, &look, STATUS, Connection::Shared)? {
            Answer::Reply { body, .. } => serde_json::from_str(&body)
                .map_err(|_| NoAnswer::Foreign(format!("{} gave no status", daemon.program()))),
            Answer::Refused { why } => Err(NoAnswer::Unreachable(why)),
            _ => Err(NoAnswer::Foreign("its gate answered a different question".to_owned())),
        }
    }

    /// Starts a verb of a host's gate that reads a stream. Returns ssh with pipes for input and output, and the file of its errors.
    ///
    /// # Errors
    ///
    /// ssh did not start.
    pub fn stream(&self, host: &str, verb: &str) -> Result<(Child, File), NoAnswer> {
        self.start(host, &format!(" {verb}"), Connection::Shared)
    }

    fn start(&self, host: &str, verb: &str, connection: Connection) -> Result<(Child, File), NoAnswer> {
        // A file instead of a pipe, because a shared connection keeps it open after the answer.
        let stderr = tempfile::tempfile().map_err(no_process)?;
        let child = self
            .ssh(host, connection)?
            .arg(format!("polder {VERSION}{verb}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr.try_clone().map_err(no_process)?)
            .spawn()
            .map_err(no_process)?;
        Ok((child, stderr))
    }

    fn question(
        &self,
        host: &str,
        question: &Question,
        limit: Duration,
        connection: Connection,
    ) -> Result<Answer, NoAnswer> {
        let line = serde_json::to_string(question).map_err(|error| no_process(error.into()))?;
        let verb = if matches!(question, Question::Look { .. }) { " daemon" } else { "" };
        self.exchange(host, verb, &line, limit, connection)
    }

    /// Signs an instruction by the host's clock and sends it. If the clock has changed, or another admin machine has used the counter,
    /// the host has refused it, and it is signed once more.
    fn signed(
        &self,
        host: &str,
        instruction: &Instruction,
        limit: Duration,
        connection: Connection,
    ) -> Result<Answer, NoAnswer> {
        let key = self.signing_key().map_err(|error| NoAnswer::Foreign(error.to_string()))?;
        self.address(host)?;
        let clock = &self.clocks[host];
        if !clock.is_known() {
            match self.question(host, &Question::Clock, limit.min(CLOCK), Connection::Shared)? {
                Answer::Clock(its) => clock.set(its),
                Answer::Refused { why } => return Ok(Answer::Refused { why }),
                _ => {
                    return Err(NoAnswer::Foreign(
                        "its gate does not report its clock: it is of another release".to_owned(),
                    ));
                }
            }
        }
        if clock.ahead() > FARTHEST_AHEAD {
            return Err(NoAnswer::Foreign(format!(
                "its clock is {} min ahead of this machine's, so what is signed would be valid for too long: correct one of the two clocks",
                clock.ahead() / 60_000
            )));
        }
        let verb = if instruction.is_for_daemon() { " daemon" } else { "" };
        let once = || {
            let (counter, now) = clock.next();
            let (host, instruction) = (host.to_owned(), instruction.clone());
            let manifest = Manifest { host: host.clone(), counter, expires: now + VALIDITY, instruction };
            let line = seal(&manifest, key).map_err(|error| no_process(error.into()))?;
            self.exchange(&host, verb, &line, limit, connection)
        };
        match once()? {
            Answer::Stale { clock: its, .. } => clock.set(its),
            answer => return Ok(answer),
        }
        match once()? {
            Answer::Stale { why, .. } => Ok(Answer::Refused { why }),
            answer => Ok(answer),
        }
    }

    fn address(&self, host: &str) -> Result<IpAddr, NoAnswer> {
        self.addresses.get(host).copied().ok_or_else(|| {
            NoAnswer::Unreachable(format!(
                "the fleet pins no host key for it: set polder.fleet.hosts.{host}.hostKey (`polder bootstrap {host}` prints it)"
            ))
        })
    }

    fn options(&self, host: &str, connection: Connection) -> Vec<String> {
        let kept = self.kept.path().display();
        let mut options = OPTIONS.map(|option| format!("-o{option}")).to_vec();
        options.push(format!("-oUserKnownHostsFile={kept}/known_hosts"));
        options.push(format!("-oHostKeyAlias={host}"));
        options.push(format!("-oIdentityFile={kept}/{DEPLOY_KEY}"));
        if let Some(own) = self.own_address(host) {
            options.push(format!("-oBindAddress={own}"));
        }
        options.extend(match connection {
            Connection::Shared => vec![
                "-oControlMaster=auto".to_owned(),
                format!("-oControlPath={}", self.control_path(host).display()),
                format!("-oControlPersist={SHARED_SECONDS}"),
            ],
            Connection::Fresh => vec!["-oControlMaster=no".to_owned(), "-oControlPath=none".to_owned()],
        });
        options
    }

    /// The address that this machine has in the fleet, if it can be bound here: gates accept its key from there only.
    fn own_address(&self, host: &str) -> Option<IpAddr> {
        let to = self.addresses.get(host)?;
        let same_kind = |own: &&IpAddr| own.is_ipv4() == to.is_ipv4();
        self.own.iter().filter(same_kind).find(|own| UdpSocket::bind((**own, 0)).is_ok()).copied()
    }

    fn control_path(&self, host: &str) -> PathBuf {
        self.kept.path().join(host)
    }

    fn ssh(&self, host: &str, connection: Connection) -> Result<Command, NoAnswer> {
        let address = self.address(host)?;
        let mut ssh = Command::new("ssh");
        ssh.args(self.options(host, connection));
        // Ctrl-C must not end ssh: the pusher handles it, and what it then sends to hosts has to arrive.
        ssh.process_group(0);
        ssh.arg("-T").arg(format!("{}@{address}", self.admin.deploy_user));
        Ok(ssh)
    }

    /// Sends a line and reads a line.
    fn exchange(
        &self,
        host: &str,
        verb: &str,
        line: &str,
        limit: Duration,
        connection: Connection,
    ) -> Result<Answer, NoAnswer> {
        let (mut child, mut stderr) = self.start(host, verb, connection)?;
        if let Some(mut input) = child.stdin.take() {
            // A host that hangs up early has written the reason to standard error.
            let _ = writeln!(input, "{line}");
        }
        let answer = child.stdout.take().and_then(|output| line_within(output, limit));
        let line = end(child, answer.is_some()).and(answer).unwrap_or_default();
        if line.is_empty() {
            let errors = stderr_text(&mut stderr);
            let silent = format!("no answer within {} s", limit.as_secs());
            return Err(NoAnswer::Unreachable(if errors.is_empty() { silent } else { errors }));
        }
        serde_json::from_str(&line).map_err(|error| NoAnswer::Foreign(format!("its answer is not understood: {error}")))
    }
}

impl Drop for Remotes {
    /// Ends the shared connections, which would outlive this process.
    fn drop(&mut self) {
        for host in self.addresses.keys() {
            let control = self.control_path(host);
            if control.exists() {
                let mut ssh = Command::new("ssh");
                ssh.arg(format!("-oControlPath={}", control.display())).args(["-O", "exit", host]);
                let _ = ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
            }
        }
    }
}

/// The first line, if it comes in time. Otherwise the reading thread ends with the process that it reads from.
fn line_within(output: ChildStdout, limit: Duration) -> Option<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(output.take(ANSWER_BYTES)).read_line(&mut line);
        let _ = sender.send(read.map(|_| line));
    });
    receiver.recv_timeout(limit).ok()?.ok()
}

/// Waits a short time for a process that has answered, and kills one that has not.
fn end(mut child: Child, answered: bool) -> Option<()> {
    if !(answered && ends_within(&child, LEAVING)) {
        child.kill().ok()?;
    }
    child.wait().ok().map(drop)
}

fn ends_within(child: &Child, limit: Duration) -> bool {
    let Ok(process) = pidfd_open(Pid::from_child(child), PidfdFlags::empty()) else { return false };
    let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
    poll(&mut [PollFd::new(process.as_fd(), PollFlags::POLLIN)], limit).is_ok_and(|ended| ended > 0)
}

/// Copies the deploy key: ssh refuses a key that its owner's group may read, as the operators' group may.
fn own_copy(key: &Path, copy: &Path) -> io::Result<()> {
    let named = |error: io::Error| {
        let why = format!("{}: {error}; `polder keys make` makes the keys of an admin machine", key.display());
        io::Error::new(error.kind(), why)
    };
    let text = fs::read(key).map_err(named)?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(copy)?.write_all(&text)
}

fn no_process(error: io::Error) -> NoAnswer {
    NoAnswer::Unreachable(match error.kind() {
        io::ErrorKind::NotFound => "there is no `ssh` on this machine".to_owned(),
        _ => format!("ssh did not start: {error}"),
    })
}

/// What ssh wrote to standard error, as one line.
pub(super) fn stderr_text(stderr: &mut File) -> String {
    let mut text = String::new();
    let _ = stderr.rewind().and_then(|()| stderr.read_to_string(&mut text));
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}
