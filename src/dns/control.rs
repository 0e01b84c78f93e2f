//! What the nameserver knows at one moment, and the snapshot that follows from it.
//!
//! Owns: the document in force, health, the operator's words, and the only hand that swaps the snapshot. Does no I/O:
//! [`super::nameserver`] tells it what happened and keeps what it says. Every change goes through [`Control::rebuild`].

mod saved;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use serde_json::Value;

use super::document::Document;
use super::pool::{self, Choice, Family, Known};
use super::snapshot::{PoolAnswer, Snapshot};
use crate::api::dns::Done;
use crate::config::dns::PoolConfig;
use crate::daemon::bounds;
use crate::daemon::operator::{
    ForgetCommand, Forgotten, OperatorCommand, OperatorState, OperatorStates, Word, unix_ms,
};
use crate::daemon::peers::Rejected;
use crate::health::checker::Targets;
use crate::health::{HealthView, Target, TargetHealth, Verdict};

pub use saved::Saved;

/// The alarm of an operator's word that is not on disk.
pub const OPERATOR_UNWRITTEN: &str = "operator-write";

/// The alarm of health that is not on disk.
pub const HEALTH_UNWRITTEN: &str = "health-write";

/// What the operator should look at, in words, by what it is about.
pub type Alarms = BTreeMap<&'static str, String>;

/// All that is known.
pub struct Control {
    /// Where answers are made from.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// What is served.
    pub document: Document,
    /// What the operator said.
    pub operator: OperatorStates,
    /// Of the daemon itself; those that follow from the state are made when the status is.
    pub alarms: Alarms,
    /// What of the peers' letters was beyond the bounds, by peer.
    pub untaken: BTreeMap<String, Rejected>,
    /// When and how the last reload ended, in words.
    pub last_reload: Option<String>,
    /// Reloads that put a document in force, and those that did not.
    pub reloads: (u64, u64),
    /// Writes to the state directory that failed.
    pub state_write_failures: u64,
    /// Checked and serving.
    pub ready: bool,
    /// Stopping.
    pub draining: bool,
    pub(super) started: Instant,
    health: Arc<HealthView>,
    pub(super) choices: BTreeMap<String, Choices>,
    /// By pool, the last addresses that were answered because their members were up: what `when_all_down: last` means.
    last_up: BTreeMap<String, Vec<IpAddr>>,
}

/// A pool's A and AAAA.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Choices {
    pub(super) v4: Choice,
    pub(super) v6: Choice,
}

impl Choices {
    pub(super) fn addresses(&self) -> impl Iterator<Item = &IpAddr> {
        self.v4.addresses.iter().chain(&self.v6.addresses)
    }
}

/// Why the operator's word was not taken: an HTTP status and the reason.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// 400, 404 or 409.
    pub status: u16,
    /// For the operator.
    pub message: String,
}

impl Control {
    /// Begins with what an earlier process knew. No snapshot is made before the first [`Control::rebuild`].
    pub fn new(document: Document, saved: &Saved) -> Control {
        let snapshot = Snapshot { generation: saved.generation, ..Snapshot::default() };
        Control {
            snapshot: Arc::new(ArcSwap::from_pointee(snapshot)),
            document,
            operator: saved.operator.clone(),
            alarms: BTreeMap::new(),
            untaken: BTreeMap::new(),
            last_reload: None,
            reloads: (0, 0),
            state_write_failures: 0,
            ready: false,
            draining: false,
            started: Instant::now(),
            health: Arc::new(saved.health.clone()),
            choices: BTreeMap::new(),
            last_up: saved.last_up.clone(),
        }
    }

    /// The number of the present snapshot.
    pub fn generation(&self) -> u64 {
        self.snapshot.load().generation
    }

    /// Checks said something; the answers stay as they are until the next [`Control::rebuild`].
    pub fn note_health(&mut self, health: Arc<HealthView>) {
        self.health = health;
    }

    /// Whether the last write to the state directory failed.
    pub fn is_unwritten(&self) -> bool {
        [OPERATOR_UNWRITTEN, HEALTH_UNWRITTEN].iter().any(|alarm| self.alarms.contains_key(alarm))
    }

    /// Checks said something.
    pub fn set_health(&mut self, health: Arc<HealthView>) {
        self.health = health;
        self.rebuild();
    }

    /// Puts another document in force.
    pub fn set_document(&mut self, document: Document) {
        self.document = document;
        let pools = &self.document.config.pools;
        self.last_up.retain(|pool, _| pools.contains_key(pool));
        self.rebuild();
    }

    /// Takes over what a peer knows of the operator's words: on what the document names, and within the bounds. What is
    /// beyond them is left out with an alarm, and the rest of the letter counts. True if anything was new.
    ///
    /// # Errors
    ///
    /// The letter is of another form; none of it is taken.
    pub fn hear(&mut self, peer: &str, value: Value) -> Result<bool, String> {
        let mut told = Saved::default();
        told.read_operator(value)?;
        let (taken, untaken) = told.operator.vetted(unix_ms(), |subject| self.names(subject));
        if let Some(news) = self.untaken.entry(peer.to_owned()).or_default().note(untaken) {
            tracing::warn!("peer {peer} says what is not taken: {news}");
        }
        Ok(self.merge_operator(&taken))
    }

    /// Whether the document has this `POOL/MEMBER`.
    fn names(&self, subject: &str) -> bool {
        let named = subject.split_once('/').and_then(|(pool, member)| {
            self.document.config.pools.get(pool).map(|config| config.members.contains_key(member))
        });
        named.unwrap_or(false)
    }

    /// Takes over what a predecessor knows of the operator's words. True if anything was new.
    pub fn merge_operator(&mut self, other: &OperatorStates) -> bool {
        let changed = self.operator.merge(other);
        if changed {
            self.rebuild();
        }
        changed
    }

    /// Judges every pool anew, and swaps the snapshot if an answer changed.
    pub fn rebuild(&mut self) {
        let mut choices = BTreeMap::new();
        for (name, config) in &self.document.config.pools {
            let known = self.known(name, config);
            let last = self.last_up.get(name).map_or(&[][..], Vec::as_slice);
            let choose = |family| pool::choose(config, family, &known, last);
            choices.insert(name.clone(), Choices { v4: choose(Family::V4), v6: choose(Family::V6) });
        }
        for (name, chosen) in &choices {
            self.remember_up(name, chosen);
        }
        let present = self.snapshot.load_full();
        if choices == self.choices && Arc::ptr_eq(&present.zones, &self.document.zones) {
            return;
        }
        self.log_changes(&choices);
        let prepared = self.document.config.pools.iter().map(|(name, config)| {
            let addresses: Vec<IpAddr> = choices[name].addresses().copied().collect();
            PoolAnswer::new(config.ttl, &addresses)
        });
        let generation = present.generation + 1;
        let zones = Arc::clone(&self.document.zones);
        let snapshot = Snapshot { generation, zones, pools: prepared.collect() };
        self.snapshot.store(Arc::new(snapshot));
        self.choices = choices;
    }

    /// Keeps, for each family with a member up, its addresses.
    fn remember_up(&mut self, name: &str, chosen: &Choices) {
        let last = self.last_up.entry(name.into()).or_default();
        for (family, choice) in [(Family::V4, &chosen.v4), (Family::V6, &chosen.v6)] {
            if choice.all_down.is_none() && !choice.addresses.is_empty() {
                last.retain(|address| !family.has(address));
                last.extend(&choice.addresses);
            }
        }
    }

    fn log_changes(&self, choices: &BTreeMap<String, Choices>) {
        for (name, chosen) in choices.iter().filter(|(name, chosen)| self.choices.get(*name) != Some(chosen)) {
            let addresses: Vec<String> = chosen.addresses().map(ToString::to_string).collect();
            let addresses = if addresses.is_empty() { "no address".to_owned() } else { addresses.join(", ") };
            match chosen.v4.all_down.or(chosen.v6.all_down) {
                None => tracing::info!("pool {name} answers {addresses}"),
                Some(policy) => tracing::warn!("pool {name} answers {addresses}: all are down, when_all_down {policy}"),
            }
        }
    }

    /// Takes an operator's word, first heard by this nameserver.
    pub fn say(&mut self, command: &OperatorCommand) -> Result<Done, Refused> {
        command.vet().map_err(|message| Refused { status: 400, message })?;
        let (pool_name, member) = self.subject(&command.subject)?;
        let config = &self.document.config.pools[&pool_name];
        let ttl = config.ttl;
        if command.state != OperatorState::Ready
            && !command.force
            && let Some(why) = pool::last_one(config, &member, &self.known(&pool_name, config))
        {
            let message = format!(
                "{why} in pool {pool_name}: without it nobody may be answered; say it with force if you mean it"
            );
            return Err(Refused { status: 409, message });
        }
        let now = unix_ms();
        let subject = format!("{pool_name}/{member}");
        let before = self.operator.state(&subject, now);
        let word = Word {
            state: command.state,
            who: command.who.clone(),
            when: now,
            by: self.document.config.name.clone(),
            why: command.why.clone(),
            until: command.for_ms.map(|length| now.saturating_add(length)),
        };
        tracing::info!("{} sets {subject} to {}: {}", word.who, word.state, word.why);
        self.operator.say(&subject, word);
        self.rebuild();
        let away = command.state != OperatorState::Ready;
        Ok(Done {
            done: format!("{subject} is {} (was {before})", command.state),
            generation: self.generation(),
            cached_until: away.then(|| unix_ms() + u64::from(ttl) * 1000),
        })
    }

    /// Forgets an operator's word: the member is ready, here and, since that is later, at every peer.
    pub fn forget(&mut self, command: &ForgetCommand) -> Result<Done, Refused> {
        bounds::said(&command.who, &command.why).map_err(|message| Refused { status: 400, message })?;
        let Forgotten::Subject(subject) = &command.what else {
            return Err(Refused { status: 404, message: "a nameserver has no latches".into() });
        };
        match self.subject(subject) {
            Ok((pool, member)) => {
                let (who, why, by) = (command.who.clone(), command.why.clone(), self.document.config.name.clone());
                let ready = Word { state: OperatorState::Ready, who, when: unix_ms(), by, why, until: None };
                self.operator.forget(&format!("{pool}/{member}"), ready);
            }
            // No document has it any more: nobody hears of it, and so nobody can say it again.
            Err(unknown) => drop(self.operator.0.remove(subject).ok_or(unknown)?),
        }
        tracing::info!("{} lets what was said of {subject} be forgotten", command.who);
        self.rebuild();
        let done = format!("what was said of {subject} is forgotten");
        Ok(Done { done, generation: self.generation(), cached_until: None })
    }

    /// Splits `POOL/MEMBER`; pools are named in whatever case and with or without the final dot.
    fn subject(&self, subject: &str) -> Result<(String, String), Refused> {
        let unknown = |message| Refused { status: 404, message };
        let Some((pool, member)) = subject.split_once('/') else {
            return Err(unknown(format!("\"{subject}\" is not POOL/MEMBER")));
        };
        let pool = pool.strip_suffix('.').unwrap_or(pool).to_ascii_lowercase();
        let Some(config) = self.document.config.pools.get(&pool) else {
            let pools: Vec<&str> = self.document.config.pools.keys().map(String::as_str).collect();
            return Err(unknown(format!("there is no pool {pool}; there are: {}", pools.join(", "))));
        };
        if !config.members.contains_key(member) {
            let members: Vec<&str> = config.members.keys().map(String::as_str).collect();
            return Err(unknown(format!("pool {pool} has no member {member}; it has: {}", members.join(", "))));
        }
        Ok((pool, member.to_owned()))
    }

    pub(super) fn known<'c>(&'c self, name: &'c str, pool: &'c PoolConfig) -> Knowledge<'c> {
        Knowledge { control: self, name, pool, now: unix_ms() }
    }

    pub(super) fn health_of(&self, pool: &PoolConfig, address: IpAddr) -> Option<&TargetHealth> {
        self.health.get(&target(pool, address))
    }
}

/// Every probe target of a document's pools, with who uses it.
pub fn targets(document: &Document) -> Targets {
    let mut targets = Targets::new();
    for (name, config) in &document.config.pools {
        for (member, addresses) in &config.members {
            for address in &addresses.addresses {
                targets.entry(target(config, *address)).or_default().push(format!("{name}/{member}"));
            }
        }
    }
    targets
}

/// What is probed for one address of a pool.
fn target(pool: &PoolConfig, address: IpAddr) -> Target {
    // A document without the port does not pass its checks: a member has none of its own.
    Target { address: SocketAddr::new(address, pool.check.port.unwrap_or(80)), check: pool.check.clone() }
}

/// [`Known`] of one pool at one moment.
pub(super) struct Knowledge<'c> {
    control: &'c Control,
    name: &'c str,
    pool: &'c PoolConfig,
    now: u64,
}

impl Known for Knowledge<'_> {
    fn verdict(&self, address: IpAddr) -> Verdict {
        self.control.health_of(self.pool, address).map_or(Verdict::Unchecked, |health| health.verdict)
    }

    fn operator(&self, member: &str) -> OperatorState {
        self.control.operator.state(&format!("{}/{member}", self.name), self.now)
    }
}
