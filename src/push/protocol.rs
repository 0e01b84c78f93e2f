//! The protocol between a pusher and a host's gate: one line of request and one line of answer per connection.
//!
//! Owns the messages and their version. There are two kinds of request: a [`Question`], which needs only a deploy key, and an
//! [`Instruction`], which changes something and is carried out only if an admin machine's key has signed it for this host and moment
//! ([`crate::push::protocol::manifest`]). A pusher runs `polder VERSION` through ssh, which the forced command of the deploy user turns into a
//! connection to the host's gate; a gate of another version refuses. Must never: perform I/O. Called by
//! [`crate::push::remote`] on the admin machine and by [`crate::push::gate`] on the host.

pub mod agreement;
pub mod closure;
pub mod manifest;
mod secret;
pub mod signing;
pub mod upload;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::api::daemon::Daemon;
use agreement::{AgreementChange, AgreementFiles};
use serde::{Deserialize, Serialize};

pub use crate::fleet::running::Running;
use crate::push::host::lock::Lock;
use crate::push::ledger::{Entry, Record};
use crate::push::supervisor::activation::Activation;
pub use secret::Secret;

/// The version of the protocol. It is raised when an older peer would misunderstand a message, and not for new optional fields.
pub const VERSION: u32 = 2;

/// The longest request line, in bytes: an instruction with copies of ledgers, which the pusher splits if it would be longer.
pub const REQUEST_BYTES: usize = 1024 * 1024;

/// A request that needs only a deploy key and changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Question {
    /// The host's state. Answer: [`Answer::Report`].
    Report,
    /// The host's clock and highest counter. Answer: [`Answer::Clock`].
    Clock,
    /// The documents, zones and units of the running system, or of another one that ran here before. Answer: [`Answer::Running`].
    Running {
        /// That system.
        #[serde(default)]
        system: Option<PathBuf>,
    },
    /// The state of the activation under way. Answer: [`Answer::Activation`].
    Activation,
    /// The last entries of the ledger, oldest first. Answer: [`Answer::Ledger`].
    Ledger {
        /// How many at most.
        last: usize,
    },
    /// The host's key files, with the fingerprints of their keys. Answer: [`Answer::Keys`].
    Keys,
    /// The host's certificate for the agreement of the proxies, and whom it trusts there. Answer: [`Answer::Agreement`].
    Agreement,
    /// A read-only request to a daemon's admin API: one of the paths in [`crate::push::gate::allowed`]. Answer: [`Answer::Reply`].
    Look {
        /// Which daemon.
        #[serde(with = "program")]
        daemon: Daemon,
        /// The path and query of its admin API.
        target: String,
    },
}

/// A request that changes a host. It is accepted only in a [`crate::push::protocol::manifest::Manifest`] with a valid signature.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Instruction {
    /// Take the fleet lock on this host. Answer: [`Answer::Done`], or [`Answer::Locked`] with the holder.
    Lock {
        /// The lock; the host computes its `expires`.
        lock: Lock,
        /// For how long, in seconds of the host's clock.
        seconds: u64,
    },
    /// Extend the lock. Answers as for [`Instruction::Lock`].
    Renew {
        /// The lock's token.
        token: String,
        /// From now, in seconds.
        seconds: u64,
    },
    /// Release the lock. Answered [`Answer::Done`] even if it is not held.
    Unlock {
        /// The lock's token.
        token: String,
    },
    /// Break the lock, whoever holds it; the ledger records who did it and why.
    BreakLock {
        /// `USER@HOST`.
        who: String,
        /// Why.
        why: String,
    },
    /// Protect a system that is being copied from the garbage collector, until the push has ended.
    Hold {
        /// The lock's token.
        token: String,
        /// Its store path.
        system: PathBuf,
    },
    /// Try a system's daemons with their new documents on loopback, beside the running ones. Answer: [`Answer::Rehearsed`].
    Rehearse {
        /// The lock's token.
        token: String,
        /// The system.
        target: Target,
    },
    /// Switch to a system, and back unless it is confirmed in time. Answered once the switch has begun or was refused; its state is
    /// asked for with [`Question::Activation`].
    Activate {
        /// The lock's token.
        token: String,
        /// The system.
        target: Target,
        /// The system that must be running now (compare and swap).
        expected: PathBuf,
        /// How long the switch may wait for its confirmation, in seconds.
        confirm_within: u64,
        /// Boot into the system instead of switching to it; the trial begins when the host is up again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        reboot: bool,
        /// For the ledger.
        record: Record,
    },
    /// Keep the activated system: it becomes the profile and the boot default. Answered when that is done.
    Confirm {
        /// The lock's token.
        token: String,
        /// The push that activated it.
        push: String,
    },
    /// Go back to the previous system now. Answered when that is done.
    Revert {
        /// The lock's token.
        token: String,
        /// The push that activated it.
        push: String,
        /// Why.
        why: String,
    },
    /// Store copies of other hosts' entries (on an admin machine).
    Copies {
        /// By host.
        ledgers: BTreeMap<String, Vec<Entry>>,
    },
    /// Change a key file, then reload the daemons. No key is ever sent back. Answer: [`Answer::Keys`], of this file.
    Key {
        /// The lock's token.
        token: String,
        /// A plain file name below the folder of keys.
        name: String,
        /// The change.
        change: KeyChange,
    },
    /// Change the host's certificate for the agreement, or whom it trusts there, then restart what reads it only then and reload the
    /// rest. Answer: [`Answer::Agreement`].
    Agreement {
        /// The lock's token.
        token: String,
        /// The change.
        change: AgreementChange,
    },
    /// An operator's command for a daemon: one of the paths in [`crate::push::gate::allowed`]. Answer: [`Answer::Reply`].
    Tell {
        /// Which daemon.
        #[serde(with = "program")]
        daemon: Daemon,
        /// The path of its admin API.
        target: String,
        /// The request's body, JSON.
        body: String,
    },
}

impl Instruction {
    /// Its name on the wire, for logs.
    pub fn name(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value["do"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether it is for a daemon on the host, so that the relay carries it out.
    pub fn is_for_daemon(&self) -> bool {
        matches!(self, Instruction::Tell { .. })
    }
}

/// A system to rehearse or activate, and how the host can verify it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Its store path.
    pub system: PathBuf,
    /// How the host can verify it.
    pub origin: Origin,
}

/// How a host verifies that a system in its store is the one that was signed for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// It was copied there: the contents of its closure have this digest ([`crate::push::protocol::closure::digest`]).
    Copied(String),
    /// It ran there before, according to the host's own ledger: the target of a rollback.
    RanBefore {
        /// Accept it even if it trusts keys that the fleet no longer lists.
        old_keys: bool,
    },
}

/// On the wire, a daemon is the name of its program.
mod program {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    use crate::api::daemon::Daemon;

    pub(super) fn serialize<S: Serializer>(daemon: &Daemon, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(daemon.program())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Daemon, D::Error> {
        let name = String::deserialize(deserializer)?;
        let daemon = Daemon::ALL.into_iter().find(|daemon| daemon.program() == name);
        daemon.ok_or_else(|| D::Error::unknown_variant(&name, &["polder-proxy", "polder-dns"]))
    }
}

/// One change of a key file, which has one key per line: the first one seals, all of them open.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case", deny_unknown_fields)]
pub enum KeyChange {
    /// Append a key: it opens, but does not seal yet. Done even if the file has it already.
    Add {
        /// 32 bytes in base64. Never logged.
        key: Secret,
    },
    /// Make one of its keys the first.
    Promote {
        /// That key's fingerprint.
        fingerprint: String,
    },
    /// Remove all keys but the first.
    Retire {
        /// The fingerprint of the first, which stays.
        keep: String,
    },
}

/// What a gate answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// Done.
    Done,
    /// Refused, with the reason for the operator.
    Refused {
        /// Why.
        why: String,
    },
    /// Refused because of its time or counter: it can be signed again by this clock.
    Stale {
        /// Why.
        why: String,
        /// The host's clock.
        clock: Clock,
    },
    /// The host's clock.
    Clock(Clock),
    /// A daemon's own answer.
    Reply {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
    /// Refused because somebody else holds the lock.
    Locked {
        /// Who.
        holder: Lock,
    },
    /// The host's state.
    Report(Box<Report>),
    /// The documents, zones and units of a system.
    Running(Box<Running>),
    /// The result of a rehearsal.
    Rehearsed(crate::push::rehearsal::Rehearsed),
    /// The activation, if there is one under way.
    Activation {
        /// It.
        activation: Option<Box<Activation>>,
        /// How the last one ended.
        last: Option<Box<Entry>>,
    },
    /// Entries, oldest first.
    Ledger {
        /// They.
        entries: Vec<Entry>,
    },
    /// Key files by name.
    Keys {
        /// The fingerprints of each file's keys, in order.
        files: BTreeMap<String, Vec<String>>,
    },
    /// The host's certificate for the agreement, and whom it trusts there.
    Agreement(AgreementFiles),
}

/// A host's clock and highest counter, by which it judges manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Milliseconds since the epoch.
    pub now: u64,
    /// The highest counter that it has accepted.
    pub counter: u64,
}

/// A host's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Its gate's protocol version ([`VERSION`]).
    pub protocol: u32,
    /// polder's version there.
    pub version: String,
    /// Its own name.
    pub host: String,
    /// The system that runs: the target of /run/current-system.
    pub system: PathBuf,
    /// The system of its profile. If it is not the running one, somebody switched by hand, or a switch was interrupted.
    pub profile: PathBuf,
    /// The system it was booted with.
    pub booted: PathBuf,
    /// The kernel's boot id, which changes with each boot.
    pub boot: String,
    /// Free space for the store, in bytes.
    pub free: u64,
    /// The lock, if it is held.
    pub lock: Option<Lock>,
    /// The activation under way, if there is one.
    pub activation: Option<Activation>,
    /// The last confirmed activation in its ledger.
    pub last: Option<Entry>,
    /// Units that have failed.
    pub failed_units: Vec<String>,
    /// Its clock, in milliseconds since the epoch.
    pub clock_ms: u64,
}
