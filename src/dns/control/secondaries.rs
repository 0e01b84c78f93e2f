//! Zones from other nameservers: which are served, and who is asked for which (pure).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Effect, State, bogus};
use crate::config::dns::{PrimaryConfig, ZoneConfig};
use crate::counted::counted;
use crate::daemon::clock::Now;
use crate::dns::compiled::{Zone, Zones};
use crate::dns::secondary::bell::Told;
use crate::dns::secondary::timers::{Timers, Times, Todo};
use crate::log_line::{Kind, LogLine};
use crate::zone::name;

/// How much of its time to live a zone has left when the operator is told.
const NEAR: u32 = 4;

/// So many zones from other nameservers are many: to put them together takes a millisecond and more.
const MANY: usize = 500;

/// How long what has changed waits for more where there are many zones.
const TOGETHER: Duration = Duration::from_millis(100);

/// The most alarms about zones that catalogs list.
const MOST_ALARMS: usize = 5;

/// A zone from other nameservers.
pub struct Secondary {
    pub(in crate::dns) config: ZoneConfig,
    timers: Timers,
    /// What was stored has been read.
    pub(super) is_read: bool,
    pub(in crate::dns) zone: Option<Arc<Zone>>,
    /// The number of the question that is under way: an answer to another one comes too late.
    asked: Option<u64>,
    /// Why the last look found nothing.
    failure: Option<String>,
    /// The catalog that lists it; none: it is the document's.
    pub(in crate::dns) listing: Option<Listing>,
}

/// The catalog that lists a zone, and the label under which it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dns) struct Listing {
    /// The catalog's apex.
    pub(in crate::dns) catalog: String,
    pub(super) label: Box<[u8]>,
}

/// What has come of something.
#[derive(Debug)]
pub enum SecondaryNews {
    /// What was stored of a zone has been read: it, its times and how long ago a primary confirmed it.
    Read(String, Option<(Arc<Zone>, Times, Duration)>),
    /// Primaries have told that there is something new, each of a zone.
    Told(BTreeSet<Told>),
    /// A primary was asked.
    Asked(String, u64, Result<Answered, String>),
}

/// What a primary has said.
#[derive(Debug)]
pub enum Answered {
    /// It has what we have.
    Same,
    /// It has sent a newer zone, which is stored; in a few words, how.
    Newer(Arc<Zone>, Times, String),
}

/// What the shell is to do for a zone.
#[derive(Debug)]
pub enum SecondaryTask {
    /// Read what is stored; answered with [`SecondaryNews::Read`].
    Read(String, ZoneConfig),
    /// Let go of the question for this zone, and remove what is stored.
    Remove(String),
    /// Ask a primary; answered with [`SecondaryNews::Asked`].
    Ask(Question),
    /// Let go of the question for this zone: what it would bring, nobody wants any more.
    Cancel(String),
}

/// A question for a primary.
#[derive(Debug)]
pub struct Question {
    /// The zone, as the document has it.
    pub apex: String,
    /// Its number; no other question of this process has it.
    pub number: u64,
    /// Whom.
    pub primary: PrimaryConfig,
    /// What is here already.
    pub held: Option<Arc<Zone>>,
    /// What the document says of the zone.
    pub config: ZoneConfig,
}

impl State {
    /// Takes in what the document says; what it has no more is forgotten.
    pub(super) fn reload_secondaries(&mut self, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        let document = Arc::clone(&self.document);
        let configs = &document.config.zones;
        // A zone of the document is that, whatever a catalog says.
        let config_of = |apex: &String, secondary: &Secondary| match (configs.get(apex), &secondary.listing) {
            (Some(config), _) => Some(config).filter(|config| !config.primaries().is_empty()),
            (None, Some(listing)) => configs.get(&listing.catalog).and_then(ZoneConfig::member),
            (None, None) => None,
        };
        // What is a catalog now and was none, or the other way round, is read anew.
        self.secondaries.retain(|apex, secondary| {
            let config = config_of(apex, secondary);
            let stays = config.is_some_and(|config| config.is_catalog() == secondary.config.is_catalog());
            if !stays {
                effects.extend(secondary.cancel(apex));
            }
            stays
        });
        for (apex, secondary) in &mut self.secondaries {
            if let Some(config) = config_of(apex, secondary) {
                effects.extend(secondary.take_config(apex, config, now));
            }
            secondary.listing.take_if(|_| configs.contains_key(apex));
        }
        for (apex, config) in configs.iter().filter(|(_, config)| !config.primaries().is_empty()) {
            if !self.secondaries.contains_key(apex) {
                let secondary = self.begin_secondary(config, None, now);
                self.secondaries.insert(apex.clone(), secondary);
                effects.push(Effect::Secondary(SecondaryTask::Read(apex.clone(), config.clone())));
            }
        }
        let unread = self.reload_catalogs().into_iter();
        effects.extend(unread.map(|(apex, config)| Effect::Secondary(SecondaryTask::Read(apex, config))));
        self.reload_consumed();
        effects.extend(self.follow_catalogs(now));
        effects
    }

    /// A zone of which nothing is known yet.
    pub(super) fn begin_secondary(&mut self, config: &ZoneConfig, listing: Option<Listing>, now: Now) -> Secondary {
        let timers = Timers::new(config.primaries().len(), now.unix_ms ^ fastrand::u64(..));
        Secondary { config: config.clone(), timers, is_read: false, zone: None, asked: None, failure: None, listing }
    }

    /// Takes in what has come of something.
    pub(super) fn on_secondary(&mut self, news: SecondaryNews, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        let whole = now;
        let now = now.running;
        match news {
            SecondaryNews::Read(apex, stored) => {
                let Some(secondary) = self.secondaries.get_mut(&apex) else {
                    self.read_catalog(&apex, stored.map(|(zone, _, _)| zone));
                    return effects;
                };
                secondary.is_read = true;
                if let Some((zone, times, age)) = stored {
                    secondary.timers.stored(times, age, now);
                    effects.extend(bogus::line(&apex, secondary.zone.as_deref(), &zone).map(Effect::Log));
                    secondary.zone = Some(zone);
                    self.have_zones_changed = true;
                }
                effects.extend(self.read_consumed(&apex, whole));
            }
            SecondaryNews::Told(told) => {
                for (apex, from) in told {
                    let Some(secondary) = self.secondaries.get_mut(&name::to_text(&apex)) else { continue };
                    let primaries = secondary.config.primaries();
                    if let Some(primary) = primaries.iter().position(|primary| primary.address.ip() == from) {
                        secondary.timers.notified(primary, now);
                    }
                }
            }
            SecondaryNews::Asked(apex, number, answered) => {
                let known = self.secondaries.get_mut(&apex);
                let Some(secondary) = known.filter(|known| known.asked == Some(number)) else { return effects };
                secondary.asked = None;
                let was_expired = secondary.timers.has_expired();
                let (said, is_news) = match answered {
                    Ok(Answered::Same) => {
                        // It has been looked at, and so its times are known.
                        if let Some(times) = secondary.timers.times() {
                            secondary.timers.confirmed(times, now);
                        }
                        let said =
                            was_expired.then(|| format!("zone {apex}: a primary confirms it again; it is served"));
                        (said, was_expired)
                    }
                    Ok(Answered::Newer(zone, times, how)) => {
                        secondary.timers.confirmed(times, now);
                        effects.extend(bogus::line(&apex, secondary.zone.as_deref(), &zone).map(Effect::Log));
                        secondary.zone = Some(zone);
                        (Some(format!("zone {apex}: {how}")), true)
                    }
                    Err(why) => {
                        secondary.timers.failed(now);
                        effects.extend(secondary.due(&apex, true, now, &mut self.questions));
                        // Once, and not each time.
                        if secondary.failure.as_ref() != Some(&why) {
                            let line = LogLine::warn(Kind::Other, format!("zone {apex}: {why}"));
                            effects.push(Effect::Log(line.about(&apex)));
                        }
                        secondary.failure = Some(why);
                        if secondary.timers.has_expired() && !was_expired {
                            self.have_zones_changed = true;
                        }
                        return effects;
                    }
                };
                secondary.failure = None;
                effects.extend(said.map(|said| Effect::Log(LogLine::info(Kind::Other, said).about(&apex))));
                if is_news {
                    self.have_zones_changed = true;
                    effects.extend(self.read_consumed(&apex, whole));
                }
            }
        }
        effects
    }

    /// What is due.
    pub(super) fn look_at_secondaries(&mut self, now: Now) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut has_expired = false;
        for (apex, secondary) in self.secondaries.iter_mut().filter(|(_, secondary)| secondary.is_read) {
            let before = secondary.timers.has_expired();
            effects.extend(secondary.due(apex, false, now.running, &mut self.questions));
            has_expired |= secondary.timers.has_expired() != before;
        }
        if has_expired {
            self.have_zones_changed = true;
        }
        effects
    }

    /// The next moment at which a zone is looked for, or expires.
    pub(super) fn secondaries_wake(&self) -> Option<Duration> {
        let read = self.secondaries.values().filter(|secondary| secondary.is_read);
        read.filter_map(|secondary| secondary.timers.wakes()).min()
    }

    /// How many zones have not been read yet that may be stored.
    pub fn unread_secondaries(&self) -> usize {
        self.secondaries.values().filter(|secondary| !secondary.is_read).count() + self.unread_catalogs()
    }

    /// Puts the zones together that are served: those of the document's files, those of primaries that have not expired, and catalogs that are made.
    /// At a start once, when all that is stored has been read.
    pub(super) fn put_zones_together(&mut self, now: Duration) {
        let is_early = !self.ready && self.unread_secondaries() > 0;
        if !self.have_zones_changed || is_early || self.zones_wake().is_some_and(|at| at > now) {
            return;
        }
        self.have_zones_changed = false;
        self.put_together = Some(now);
        let held = self.secondaries.iter().filter(|(_, secondary)| !secondary.timers.has_expired());
        let held = held.filter_map(|(_, secondary)| secondary.zone.clone());
        let held: Vec<Arc<Zone>> = held.chain(self.held_catalogs()).collect();
        let listed: Vec<Box<[u8]>> = self.listed_zones().filter_map(|(apex, _)| name::from_text(apex)).collect();
        self.had_members |= !listed.is_empty();
        if std::mem::take(&mut self.have_members_changed) {
            self.transfers = match listed.is_empty() {
                true => Arc::clone(&self.document.transfers),
                false => Arc::new(self.document.transfers.and(self.listed_zones())),
            };
        }
        let awaited = self.secondaries.iter().filter(|(_, secondary)| secondary.zone.is_none());
        let apexes: Vec<_> = awaited.filter_map(|(apex, _)| name::from_text(apex)).collect();
        let awaited = apexes.iter().map(AsRef::as_ref);
        let own = self.document.served();
        self.zones = match (self.had_members, held.is_empty() && apexes.is_empty()) {
            (true, _) => Arc::new(own.and(listed, &self.zones).with(held, awaited)),
            (false, true) => own,
            (false, false) => Arc::new(own.with(held, awaited)),
        };
    }

    /// When the zones are to be put together that have changed: at once, but where they are many, with those that change soon after.
    pub(super) fn zones_wake(&self) -> Option<Duration> {
        let pause = if self.secondaries.len() > MANY { TOGETHER } else { Duration::ZERO };
        (self.ready && self.have_zones_changed).then(|| self.put_together.map_or(Duration::ZERO, |at| at + pause))
    }

    /// The zones that are served.
    pub fn zones(&self) -> &Arc<Zones> {
        &self.zones
    }

    /// What the operator should look at.
    pub(in crate::dns) fn secondary_alarms(&self, now: Now) -> Vec<String> {
        let alarm = |(apex, secondary): (&String, &Secondary)| {
            let why = secondary.failure.as_deref().unwrap_or("no primary has been asked yet");
            let alarm = match secondary.timers.left(now.running) {
                _ if secondary.timers.has_expired() => format!(
                    "zone {apex} has expired and is answered SERVFAIL: no primary has confirmed it for the time that its SOA gives; {why}"
                ),
                Some((left, all)) if left < all / NEAR => format!(
                    "zone {apex} expires in {}, and is answered SERVFAIL then: no primary confirms it; {why}",
                    counted(left.as_secs() as usize, "second")
                ),
                None if secondary.is_read => {
                    format!("zone {apex} is answered SERVFAIL: it has not come yet; {why}")
                }
                Some(_) | None => return None,
            };
            Some((apex.clone(), alarm))
        };
        self.few_of_listed(self.secondaries.iter().filter_map(alarm), "they are answered SERVFAIL, or will be")
    }

    /// Alarms, each beside its zone. Of zones that catalogs list the first few, and what is so of the others: a primary, or a signer, that is gone is one
    /// thing to look at, however many zones come from it.
    pub(in crate::dns) fn few_of_listed(
        &self,
        alarms: impl Iterator<Item = (String, String)>,
        others: &str,
    ) -> Vec<String> {
        let is_listed = |apex: &str| self.secondaries.get(apex).is_some_and(|secondary| secondary.listing.is_some());
        let (listed, own): (Vec<_>, Vec<_>) = alarms.partition(|(apex, _)| is_listed(apex));
        let more = listed.len().saturating_sub(MOST_ALARMS);
        let shown = own.into_iter().chain(listed.into_iter().take(MOST_ALARMS));
        let mut alarms: Vec<String> = shown.map(|(_, alarm)| alarm).collect();
        if more > 0 {
            alarms.push(format!(
                "{} more that catalogs list: {others}; status NAME tells of each",
                counted(more, "zone")
            ));
        }
        alarms
    }

    /// How a zone from other nameservers stands, in words; `None` for another zone.
    pub(in crate::dns) fn secondary_in_words(&self, apex: &str, now: Now) -> Option<String> {
        let secondary = self.secondaries.get(apex)?;
        let from = secondary.primaries();
        let left = match secondary.timers.left(now.running) {
            _ if secondary.timers.has_expired() => "it has expired".to_owned(),
            Some((left, _)) => {
                format!("it expires in {} if none confirms it", counted(left.as_secs() as usize, "second"))
            }
            None => "it has not come yet".to_owned(),
        };
        let failure = secondary.failure.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
        let listed = secondary.listing.as_ref().map(|listing| format!("catalog {} lists it, and ", listing.catalog));
        Some(format!("{}it comes from {from}: {left}{failure}", listed.unwrap_or_default()))
    }

    /// A zone of other nameservers that is answered SERVFAIL.
    pub(in crate::dns) fn is_unserved(&self, apex: &str) -> bool {
        let is_there = |secondary: &Secondary| secondary.zone.is_some() && !secondary.timers.has_expired();
        self.secondaries.get(apex).is_some_and(|secondary| !is_there(secondary))
    }

    /// Whether there is any such zone.
    pub(in crate::dns) fn is_any_unserved(&self) -> bool {
        self.secondaries.values().any(Secondary::is_unserved)
    }

    /// By zone, the seconds until it expires.
    pub(in crate::dns) fn secondary_times_left(&self, now: Now) -> impl Iterator<Item = (&str, u64)> {
        let left =
            move |secondary: &Secondary| secondary.timers.left(now.running).map_or(0, |(left, _)| left.as_secs());
        self.secondaries.iter().map(move |(apex, secondary)| (apex.as_str(), left(secondary)))
    }
}

impl Secondary {
    /// What the document says of it may be another thing now.
    pub(super) fn take_config(&mut self, apex: &str, config: &ZoneConfig, now: Now) -> Option<Effect> {
        if self.config == *config {
            return None;
        }
        self.config = config.clone();
        self.timers.set_primaries(config.primaries().len(), now.running);
        self.cancel(apex)
    }

    /// Lets go of the question that is under way, if there is one.
    fn cancel(&mut self, apex: &str) -> Option<Effect> {
        self.asked.take().map(|_| Effect::Secondary(SecondaryTask::Cancel(apex.to_owned())))
    }

    /// Where they are, in words.
    pub(in crate::dns) fn primaries(&self) -> String {
        let addresses = self.config.primaries().iter().map(|primary| primary.address.to_string());
        addresses.collect::<Vec<_>>().join(", ")
    }

    fn is_unserved(&self) -> bool {
        self.zone.is_none() || self.timers.has_expired()
    }

    /// Nothing is stored of it.
    pub(super) fn without_stored(self) -> Secondary {
        Secondary { is_read: true, ..self }
    }

    fn due(&mut self, apex: &str, was_failed: bool, now: Duration, questions: &mut u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        for todo in self.timers.due(was_failed, now) {
            effects.push(match todo {
                Todo::Expire => Effect::Log(
                    LogLine::warn(
                        Kind::Other,
                        format!(
                            "zone {apex} has expired: no primary has confirmed it for too long; it is answered SERVFAIL"
                        ),
                    )
                    .about(apex),
                ),
                Todo::Ask(primary) => {
                    let Some(primary) = self.config.primaries().get(primary).cloned() else { continue };
                    *questions += 1;
                    self.asked = Some(*questions);
                    Effect::Secondary(SecondaryTask::Ask(Question {
                        apex: apex.to_owned(),
                        number: *questions,
                        primary,
                        // One that has expired is obsolete, whatever its serial (RFC 1034, 4.3.5).
                        held: self.zone.clone().filter(|_| !self.timers.has_expired()),
                        config: self.config.clone(),
                    }))
                }
            });
        }
        effects
    }
}
