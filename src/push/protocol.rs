//! What the pusher and a host's gate say to each other: one line of a request and one line of an answer a connection.
//!
//! Owns the words and their version. There are two kinds of request: a [`Question`], which whoever has a deploy key may ask, and an
//! [`Instruction`], which changes something and is done only when an admin's key has signed it for this host and this moment
//! ([`crate::push::protocol::manifest`]). A pusher runs `polder VERSION` through ssh, which the forced command of the deploy user turns into a
//! connection to the host's gate; an older or newer gate refuses by name instead of guessing. Must never: do anything. Called by
//! [`crate::push::remote`] on the admin machine and by [`crate::push::gate`] on the host.

pub mod closure;
pub mod manifest;
pub mod signing;
pub mod upload;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::api::daemon::Daemon;
use serde::{Deserialize, Serialize};

pub use crate::fleet::running::Running;
use crate::push::host::lock::Lock;
use crate::push::ledger::{Entry, Record};
use crate::push::supervisor::activation::Activation;

/// The version of the protocol. It is raised when an older peer would misunderstand; new optional fields do not raise it.
pub const VERSION: u32 = 2;

/// The longest request line, in bytes: an instruction that carries copies of ledgers. The pusher splits what would be longer.
pub const REQUEST_BYTES: usize = 1024 * 1024;

/// What may be asked with a deploy key alone. Nothing of it changes the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Question {
    /// How the host is. Answer: [`Answer::Report`].
    Report,
    /// The host's clock, and which counters it takes. Answer: [`Answer::Clock`].
    Clock,
    /// What daemons and units run with, or would with another system that ran here before. Answer: [`Answer::Running`].
    Running {
        /// That system.
        #[serde(default)]
        system: Option<PathBuf>,
    },
    /// What has become of an activation. Answer: [`Answer::Activation`].
    Activation,
    /// The last entries of the ledger, oldest first. Answer: [`Answer::Ledger`].
    Ledger {
        /// How many at most.
        last: usize,
    },
    /// The key files of the host: names and how many keys each has, and a fingerprint of each. Answer: [`Answer::Keys`].
    Keys,
    /// Something that a daemon says of itself: one of the paths in [`crate::push::gate::allowed`]. Answer: [`Answer::Reply`].
    Look {
        /// Which daemon.
        #[serde(with = "program")]
        daemon: Daemon,
        /// The path and query of its admin API.
        target: String,
    },
}

/// What changes a host. It is done only in a [`crate::push::protocol::manifest::Manifest`] with a good signature.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Instruction {
    /// Take the fleet lock here. Answer: [`Answer::Done`], or [`Answer::Locked`] with the holder.
    Lock {
        /// The lock wanted: its `expires` is computed by the host.
        lock: Lock,
        /// For how long, in seconds of the host's clock.
        seconds: u64,
    },
    /// Keep it for longer. The same answers.
    Renew {
        /// Whose.
        token: String,
        /// From now, in seconds.
        seconds: u64,
    },
    /// Give it back. Done also when it is not held.
    Unlock {
        /// Whose.
        token: String,
    },
    /// Take it from its holder, whoever that is; the ledger keeps who did it and why.
    BreakLock {
        /// `USER@HOST`.
        who: String,
        /// Why.
        why: String,
    },
    /// Keep a copied system from the garbage collector until the push is settled.
    Hold {
        /// Of the lock.
        token: String,
        /// Its store path.
        system: PathBuf,
    },
    /// Try the daemons of a system with their new documents on loopback, beside the running ones. Answer: [`Answer::Rehearsed`].
    Rehearse {
        /// Of the lock.
        token: String,
        /// The system.
        target: Target,
    },
    /// Switch to a system, and back unless it is confirmed in time. Answered once it runs or is refused: see
    /// [`Question::Activation`] for what became of it.
    Activate {
        /// Of the lock.
        token: String,
        /// The system.
        target: Target,
        /// The system that must be running now (compare and swap).
        expected: PathBuf,
        /// How long the switch may wait for its confirmation, in seconds.
        confirm_within: u64,
        /// For the ledger.
        record: Record,
    },
    /// Keep what was activated: it becomes the profile and the boot default. Answered when that is done.
    Confirm {
        /// Of the lock.
        token: String,
        /// Whose activation.
        push: String,
    },
    /// Go back now. Answered when that is done.
    Revert {
        /// Of the lock.
        token: String,
        /// Whose activation.
        push: String,
        /// Why.
        why: String,
    },
    /// Copies of other hosts' entries, to be kept here (on admin machines).
    Copies {
        /// By host.
        ledgers: BTreeMap<String, Vec<Entry>>,
    },
    /// Change a key file, then let the daemons read it again. No key ever travels back. Answer: [`Answer::Keys`], of this file.
    Key {
        /// Of the lock.
        token: String,
        /// A plain file name below the folder of keys.
        name: String,
        /// What becomes of it.
        change: KeyChange,
    },
    /// An operator's word for a daemon: one of the paths in [`crate::push::gate::allowed`]. Answer: [`Answer::Reply`].
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
    /// What it is, in a word.
    pub fn name(&self) -> &'static str {
        match self {
            Instruction::Lock { .. } => "lock",
            Instruction::Renew { .. } => "renew",
            Instruction::Unlock { .. } => "unlock",
            Instruction::BreakLock { .. } => "break-lock",
            Instruction::Hold { .. } => "hold",
            Instruction::Rehearse { .. } => "rehearse",
            Instruction::Activate { .. } => "activate",
            Instruction::Confirm { .. } => "confirm",
            Instruction::Revert { .. } => "revert",
            Instruction::Copies { .. } => "copies",
            Instruction::Key { .. } => "key",
            Instruction::Tell { .. } => "tell",
        }
    }

    /// Whether it is for a daemon of the host rather than for the host.
    pub fn is_for_daemon(&self) -> bool {
        matches!(self, Instruction::Tell { .. })
    }
}

/// A system to rehearse or activate, and what shows that it is the one that was meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Its store path.
    pub system: PathBuf,
    /// Where it comes from.
    pub origin: Origin,
}

/// What shows that a system in a host's store is the one that was signed for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// It was copied there: the contents of all that it needs have this digest ([`crate::push::protocol::closure::digest`]).
    Copied(String),
    /// It ran there before, as the host's own ledger says: that is what a rollback goes back to.
    RanBefore {
        /// Also if it trusts keys that the fleet has stopped naming since.
        old_keys: bool,
    },
}

/// A daemon on the wire is the name of its program.
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

/// Text that is never shown: its `Debug` hides it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

/// One step of a key file, which has one key a line: the first one seals, all of them open.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case", deny_unknown_fields)]
pub enum KeyChange {
    /// A key more, the last one: it opens, and seals nothing yet. Done also when the file has it.
    Add {
        /// 32 bytes in base64. Never logged.
        key: Secret,
    },
    /// One of its keys becomes the first.
    Promote {
        /// That key's fingerprint.
        fingerprint: String,
    },
    /// All but the first go.
    Retire {
        /// The fingerprint of the first, which stays.
        keep: String,
    },
}

/// What a gate answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// It is done.
    Done,
    /// It is not done, and why: for the operator, in whole sentences.
    Refused {
        /// Why.
        why: String,
    },
    /// It is not done, for its time or its counter is not one that this host takes now: sign it again by this clock.
    Stale {
        /// Why.
        why: String,
        /// The host's.
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
    /// Somebody has the lock.
    Locked {
        /// Who.
        holder: Lock,
    },
    /// How the host is.
    Report(Box<Report>),
    /// What runs.
    Running(Box<Running>),
    /// How a rehearsal went.
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
}

/// By what a host judges the time and the counter of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Milliseconds since the epoch.
    pub now: u64,
    /// The highest counter that it has taken so far.
    pub counter: u64,
}

/// How a host is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The gate's protocol: [`VERSION`] of its build.
    pub protocol: u32,
    /// polder's version there.
    pub version: String,
    /// Its own name.
    pub host: String,
    /// The system that runs: the target of /run/current-system.
    pub system: PathBuf,
    /// The system that its profile names. Another one than runs: somebody else switched, or a switch was cut short.
    pub profile: PathBuf,
    /// The system it was booted with.
    pub booted: PathBuf,
    /// Changes with each boot.
    pub boot: String,
    /// Free bytes where the store is.
    pub free: u64,
    /// The lock, if it is held.
    pub lock: Option<Lock>,
    /// An activation that waits to be confirmed.
    pub activation: Option<Activation>,
    /// What its ledger says of the last system that was confirmed.
    pub last: Option<Entry>,
    /// Units that have failed.
    pub failed_units: Vec<String>,
    /// Its clock, in milliseconds since the epoch.
    pub clock_ms: u64,
}
