//! A proxy's side: every nameserver is told what is wanted now, again and again while there is anything.
//!
//! Owns one task for each nameserver, and how each is doing. While nothing is wanted a nameserver is asked now and then all
//! the same, so that a wrong key or address is an alarm long before a certificate needs it. Must never: decide what is ordered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::super::channel::{Channel, ChannelError, connect};
use super::super::identity::Identity;
use super::message::{Answer, Challenges, MessageError, PROTOCOL, Told};
use crate::config::PeerConfig;

/// Between two tellings while there are challenges.
const INTERVAL: Duration = Duration::from_secs(1);

/// The same while there are none.
const IDLE_INTERVAL: Duration = Duration::from_secs(60);

/// The most that one telling may take.
const LIMIT: Duration = Duration::from_secs(2);

/// How long a nameserver goes on answering what it is not told again: a proxy that has gone wants nothing any more. Many times
/// what lies between two tellings ([`INTERVAL`] and [`LIMIT`] at most), so that a few that fail take nothing away.
const HOLD: Duration = Duration::from_secs(60);

/// Tells the nameservers until it is dropped.
pub struct Teller {
    wanted: watch::Sender<Wanted>,
    standings: watch::Receiver<Standings>,
    _tasks: JoinSet<()>,
}

/// What is to be answered; each other set has another number.
#[derive(Debug, Clone, Default)]
struct Wanted {
    number: u64,
    challenges: Arc<Challenges>,
}

type Standings = BTreeMap<String, Standing>;

#[derive(Debug, Clone, Default)]
struct Standing {
    /// The number of what it answers, and the names that it does not.
    answers: Option<(u64, BTreeMap<String, String>)>,
    health: NameserverHealth,
}

/// The health of one nameserver, for `status`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameserverHealth {
    /// When it last answered.
    pub heard: Option<SystemTime>,
    /// Why it could not be told last time; none if it could.
    pub error: Option<String>,
}

/// What was wanted is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread {
    /// The nameservers that answer it.
    pub answering: Vec<String>,
    /// What the operator should know: a nameserver that does not answer it, and why.
    pub warnings: Vec<String>,
}

/// A certificate authority would not find what was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpreadError {
    /// The name that no nameserver answers.
    pub name: String,
    /// What each nameserver says.
    pub because: Vec<String>,
}

impl fmt::Display for SpreadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no nameserver answers {}: {}", self.name, self.because.join("; "))
    }
}

impl std::error::Error for SpreadError {}

/// Why a nameserver could not be told, worded to follow its name.
enum TellError {
    NoKey,
    Channel(ChannelError),
    Message(MessageError),
    Refused(String),
    TimedOut,
}

impl fmt::Display for TellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TellError::NoKey => f.write_str("no key is listed for it in `acme.nameservers`"),
            TellError::Channel(error) => error.fmt(f),
            TellError::Message(error) => error.fmt(f),
            TellError::Refused(why) => write!(f, "it refuses what it was told: {why}"),
            TellError::TimedOut => write!(f, "no answer within {} s", LIMIT.as_secs()),
        }
    }
}

impl From<ChannelError> for TellError {
    fn from(error: ChannelError) -> TellError {
        TellError::Channel(error)
    }
}

impl From<MessageError> for TellError {
    fn from(error: MessageError) -> TellError {
        TellError::Message(error)
    }
}

impl Teller {
    /// Begins on the current runtime, with nothing wanted: what an earlier process of this proxy wanted is gone with that.
    /// Connects from the address `from`, if it is one.
    pub fn start(identity: Identity, from: IpAddr, nameservers: BTreeMap<String, PeerConfig>) -> Teller {
        let wanted = watch::Sender::new(Wanted::default());
        let unknown = nameservers.keys().map(|name| (name.clone(), Standing::default())).collect();
        let standings = watch::Sender::new(unknown);
        let read = standings.subscribe();
        let mut tasks = JoinSet::new();
        for (name, config) in nameservers {
            let nameserver = Nameserver { name, config, identity: identity.clone(), from };
            tasks.spawn(nameserver.tell_for_ever(wanted.subscribe(), standings.clone()));
        }
        Teller { wanted, standings: read, _tasks: tasks }
    }

    /// These are wanted from now on, and nothing else. [`Teller::spread`] does the same and waits.
    pub fn want(&self, challenges: Challenges) {
        self.wanted.send_if_modified(|wanted| {
            let is_other = *wanted.challenges != challenges;
            if is_other {
                *wanted = Wanted { number: wanted.number + 1, challenges: Arc::new(challenges) };
            }
            is_other
        });
    }

    /// Wants these, and waits until every nameserver answers them, at most for `patience`: a certificate authority may then look. One
    /// nameserver that answers is enough then; it asks any of them, so the others are worth a warning.
    ///
    /// # Errors
    ///
    /// No nameserver answers one of the names.
    pub fn spread(
        &self,
        challenges: Challenges,
        patience: Duration,
    ) -> impl Future<Output = Result<Spread, SpreadError>> + Send + 'static {
        let deadline = Instant::now() + patience;
        self.want(challenges);
        let (wanted, mut standings) = (self.wanted.borrow().clone(), self.standings.clone());
        async move {
            let is_all = |standings: &Standings| standings.values().all(|standing| standing.has(wanted.number));
            // Late or gone: what is known then decides.
            let _ = timeout_at(deadline, standings.wait_for(is_all)).await;
            let standings = standings.borrow();
            judge(&wanted, &standings)
        }
    }

    /// How each nameserver is doing.
    pub fn health(&self) -> BTreeMap<String, NameserverHealth> {
        self.standings.borrow().iter().map(|(name, standing)| (name.clone(), standing.health.clone())).collect()
    }
}

impl Standing {
    fn has(&self, number: u64) -> bool {
        self.answers.as_ref().is_some_and(|(answered, _)| *answered == number)
    }

    /// Why a name is not answered there; none if it is.
    fn refusal(&self, number: u64, name: &str) -> Option<String> {
        match &self.answers {
            Some((answered, refused)) if *answered == number => refused.get(name).map(|why| format!("{name} {why}")),
            _ => Some(self.health.error.clone().unwrap_or_else(|| "it has not answered yet".to_owned())),
        }
    }
}

fn judge(wanted: &Wanted, standings: &Standings) -> Result<Spread, SpreadError> {
    let mut answering: BTreeSet<&String> = standings.keys().collect();
    let mut warnings = BTreeSet::new();
    for name in wanted.challenges.keys() {
        let refusals = standings
            .iter()
            .filter_map(|(nameserver, standing)| Some((nameserver, standing.refusal(wanted.number, name.as_str())?)));
        let refusals: Vec<_> = refusals.collect();
        let in_words = refusals.iter().map(|(nameserver, why)| format!("nameserver {nameserver}: {why}"));
        if refusals.len() == standings.len() {
            return Err(SpreadError { name: name.to_string(), because: in_words.collect() });
        }
        warnings.extend(in_words);
        for (nameserver, _) in refusals {
            answering.remove(nameserver);
        }
    }
    Ok(Spread { answering: answering.into_iter().cloned().collect(), warnings: warnings.into_iter().collect() })
}

/// One nameserver, as its task knows it.
struct Nameserver {
    name: String,
    config: PeerConfig,
    identity: Identity,
    from: IpAddr,
}

impl Nameserver {
    async fn tell_for_ever(self, mut wanted: watch::Receiver<Wanted>, standings: watch::Sender<Standings>) {
        loop {
            let Wanted { number, challenges } = wanted.borrow_and_update().clone();
            let is_idle = challenges.is_empty();
            let told = Told { hold: HOLD, challenges: Arc::unwrap_or_clone(challenges) };
            let ended = timeout(LIMIT, self.tell(&told)).await.unwrap_or(Err(TellError::TimedOut));
            let is_told = ended.is_ok();
            self.note(&standings, number, ended);
            let pause = if is_idle && is_told { IDLE_INTERVAL } else { INTERVAL };
            tokio::select! {
                () = sleep(pause) => {}
                changed = wanted.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Tells it, and gives the names that it refuses.
    async fn tell(&self, told: &Told) -> Result<BTreeMap<String, String>, TellError> {
        let mut channel = self.call().await?;
        channel.send(&told.write()?).await?;
        match Answer::read(&channel.receive().await?)? {
            Answer::Answered { refused } => Ok(refused),
            Answer::Refused(why) => Err(TellError::Refused(why)),
        }
    }

    /// A channel to it, by whichever of its keys it holds: while one is replaced there are two.
    async fn call(&self) -> Result<Channel, TellError> {
        let mut failed = TellError::NoKey;
        for key in &self.config.keys {
            let stream = connect(self.from, self.config.address).await.map_err(ChannelError::Io)?;
            match Channel::initiate(stream, &PROTOCOL, &self.identity, key).await {
                Err(error @ ChannelError::NotTheKey) => failed = error.into(),
                result => return Ok(result?),
            }
        }
        Err(failed)
    }

    /// Notes how a telling has ended; every change is one log line.
    fn note(
        &self,
        standings: &watch::Sender<Standings>,
        number: u64,
        ended: Result<BTreeMap<String, String>, TellError>,
    ) {
        let Nameserver { name, config, .. } = self;
        standings.send_modify(|standings| {
            let standing = standings.entry(name.clone()).or_default();
            match ended {
                Ok(refused) => {
                    if standing.health.error.is_some() || standing.health.heard.is_none() {
                        tracing::info!("nameserver {name} takes ACME challenges");
                    }
                    standing.health = NameserverHealth { heard: Some(SystemTime::now()), error: None };
                    standing.answers = Some((number, refused));
                }
                Err(why) => {
                    let why = format!("{} cannot be told ACME challenges: {why}", config.address);
                    if standing.health.error.as_ref() != Some(&why) {
                        tracing::warn!("nameserver {name}: {why}");
                    }
                    standing.health.error = Some(why);
                }
            }
        });
    }
}
