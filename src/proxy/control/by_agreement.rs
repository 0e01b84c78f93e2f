//! What follows from what the proxies agree on (pure), where they do by a store: latches come from there, and steps go there first.
//!
//! Owns what is asked of the store and what our seat in it says. Must never: move a latch here that the store has not moved, but on the
//! operator's last word. While the store is silent nothing moves, and `build` decides what is served.

use std::collections::BTreeSet;
use std::time::Duration;

use super::prepared::PreparedService;
use super::wishes::Shown;
use super::{Effect, State, lines};
use crate::config::duration;
use crate::config::proxy::WithoutAgreement;
use crate::counted::listed;
use crate::proxy::agreement::{Agreement, Event, Key, Mark, Predecessor, Step};
use crate::proxy::latch::{CommandError, Keeper, Now};
use crate::proxy::snapshot::{Backend, Service, Snapshot};

/// How often it is looked at whether requests on a backend that was left have ended.
const LOOKS: Duration = Duration::from_millis(10);

impl State {
    /// Begins at the start of this process. One that nobody hands over to waits for leases that it cannot know of, and so does the successor of
    /// one that was waiting.
    pub(super) fn start_agreement(&mut self, predecessor: Option<Predecessor>, now: Now) {
        self.begin_agreement(predecessor.map_or(Duration::ZERO, |before| before.settled), now);
        self.agreement = self.agreement.take().map(|agreement| match predecessor {
            Some(before) if !before.waits => agreement.succeeding(before.seen),
            _ => agreement.starting(),
        });
    }

    /// Whether a successor waits before it serves what needs agreement, as this process does.
    pub fn waits_for_leases(&self, now: Now) -> bool {
        self.agreement.as_ref().is_some_and(|agreement| agreement.waits(now))
    }

    /// Where the store was when it was seen last, for a successor.
    pub fn seen_store(&self) -> Option<Mark> {
        self.agreement.as_ref().and_then(Agreement::seen)
    }

    /// Begins to agree by the store that the document names, from the start on; `settled`: before this the process before this one may serve.
    pub(super) fn begin_agreement(&mut self, settled: Duration, now: Now) {
        let config = self.prepared.document.agreement.as_ref();
        self.agreement = config.map(|config| Agreement::new(&self.own, config.lease, settled, now));
        let Some(agreement) = &mut self.agreement else { return };
        for service in self.prepared.latched() {
            if let Some(latch) = self.latches.get(&service.name).and_then(Keeper::latch) {
                agreement.stand_at(&service.name, latch.epoch, now);
            }
        }
    }

    /// Takes in what happened to the store. Gives a line for the log where it falls silent, or is heard.
    pub(super) fn take_in_agreement(&mut self, event: Event, now: Now) -> Option<Effect> {
        let agreement = self.agreement.as_mut()?;
        let was_told = agreement.lost().is_none();
        agreement.take_in(event, now);
        let line = match agreement.lost() {
            Some((_, why)) if was_told => lines::agreement_lost(why),
            None if !was_told => lines::agreement_back(),
            _ => return None,
        };
        Some(Effect::Log(line))
    }

    /// Another document is in force.
    pub(super) fn reload_agreement(&mut self, now: Now) {
        match (&mut self.agreement, &self.prepared.document.agreement) {
            (Some(agreement), Some(config)) => agreement.reload(config.lease),
            (None, Some(_)) => {
                self.begin_agreement(Duration::ZERO, now);
                self.agreement = self.agreement.take().map(|agreement| agreement.joining(now));
            }
            (Some(_), None) => self.end_agreement(now),
            (None, None) => {}
        }
        let services: BTreeSet<&str> = self.prepared.latched().map(|service| &*service.name).collect();
        if let Some(agreement) = &mut self.agreement {
            agreement.keep_services(&services);
        }
    }

    /// From now on each proxy judges by itself and what peers tell. They have told nothing lately where the link to them was cut: active
    /// backends get the time that they have after a start.
    fn end_agreement(&mut self, now: Now) {
        self.agreement = None;
        for service in self.prepared.services.iter() {
            if let (Some(rules), Some(keeper)) = (service.rules(), self.latches.get_mut(&service.name)) {
                keeper.begin_grace(now, rules);
            }
        }
    }

    /// The latches that the proxies have agreed on come into force here, once they are on disk.
    pub(super) fn adopt_agreed(&mut self) {
        let Some(agreement) = &self.agreement else { return };
        for service in self.prepared.latched() {
            let is_known = |name: &str| service.backends.iter().any(|backend| *backend.name == *name);
            // Whoever can write there is trusted to move a service, and not with more.
            let agreed = agreement.latch(&service.name).filter(|agreed| agreed.vet(agreed.epoch, is_known).is_ok());
            if let (Some(agreed), Some(keeper)) = (agreed, self.latches.get_mut(&service.name)) {
                keeper.adopt(agreed);
            }
        }
    }

    /// Why an operator's step cannot be agreed on now; none: it can, or nobody has to.
    pub(super) fn why_no_agreement(&self, service: &str, now: Now) -> Option<CommandError> {
        let why = self.agreement.as_ref()?.why_no_step(service, now)?;
        Some(CommandError::Conflict(format!(
            "{service}: the proxies cannot agree now: {why}. Nothing moves until they can; where you are sure that no other proxy serves \
             {service}, or serves it from the same backend, `polder failover {service} --to BACKEND --without-agreement` is your last word"
        )))
    }

    /// Whether the operator may have the last word: only where the proxies cannot agree.
    pub(super) fn vet_last_word(&self, service: &str, now: Now) -> Result<(), CommandError> {
        let why = match &self.agreement {
            None => "the document names no `agreement`",
            Some(agreement) if agreement.why_no_step(service, now).is_none() => "the proxies can agree",
            Some(_) => return Ok(()),
        };
        Err(CommandError::Conflict(format!(
            "{why}: `polder failover {service}` without --without-agreement is the way"
        )))
    }

    /// Whether an operator's step of a service has been asked for and is not decided; or what is in force here came from a peer, and the
    /// store, which may have gone back, has yet to be told: until then another step may be agreed in its place.
    pub(super) fn is_yet_to_be_agreed(&self, service: &str) -> bool {
        let Some(agreement) = self.agreement.as_ref().filter(|agreement| !agreement.is_unreadable(service)) else {
            return false;
        };
        let latch = self.latches.get(service).and_then(Keeper::latch).filter(|latch| !latch.without_agreement);
        let agreed = agreement.latch(service).map(|agreed| agreed.epoch);
        agreement.wanted(service).is_some_and(Step::is_operators)
            || latch.is_some_and(|latch| Some(latch.epoch) > agreed)
    }

    /// We stand where our latches are, as soon as nothing runs here any more of what was active before.
    pub(super) fn stand(&mut self, now: Now) {
        let Some(agreement) = &mut self.agreement else { return };
        for service in self.prepared.latched() {
            let Some(latch) = self.latches.get(&service.name).and_then(Keeper::latch) else { continue };
            let shown = self.shown.get(&*service.name).filter(|shown| shown.epoch == latch.epoch);
            let is_shown = shown.is_some_and(|shown| agreement.has_workers_at(shown.generation));
            if is_shown && elsewhere(&self.snapshot, &service.name, &latch.active) == 0 {
                agreement.stand_at(&service.name, latch.epoch, now);
            }
        }
    }

    /// What is written to the store now, after what is in force here has been published.
    pub(super) fn settle_agreement(&mut self, now: Now) -> Vec<Effect> {
        let Some(agreement) = &mut self.agreement else { return Vec::new() };
        let mut unsettled = None;
        for service in self.prepared.latched() {
            let Some(latch) = self.latches.get(&service.name).and_then(Keeper::latch) else { continue };
            let now_shown = Shown { epoch: latch.epoch, generation: self.snapshot.generation };
            let shown = self.shown.entry(service.name.to_string()).or_insert(now_shown);
            if shown.epoch != latch.epoch {
                *shown = now_shown;
            }
            if !agreement.stands(&service.name, latch.epoch) {
                unsettled = unsettled.max(Some(shown.generation));
            }
        }
        let awaited = unsettled.and_then(|generation| agreement.await_workers(generation));
        let told = self.opinions.told();
        let backends = self.prepared.latched().flat_map(|service| &service.backends);
        let verdicts = backends.filter_map(|backend| Some((backend.told_as.clone(), told.told(&backend.told_as)?)));
        let ours = self.prepared.latched().filter_map(|service| {
            let latch = self.latches.get(&service.name).and_then(Keeper::latch)?;
            Some((&*service.name, latch))
        });
        agreement.settle(ours, verdicts.collect(), now).into_iter().chain(awaited).map(Effect::Agreement).collect()
    }

    /// The next moment at which something of it may come out otherwise though nothing happens.
    pub(super) fn agreement_wakes(&self, now: Now) -> Option<Duration> {
        let agreement = self.agreement.as_ref()?;
        let is_unsettled = |service: &PreparedService| {
            let latch = self.latches.get(&service.name).and_then(Keeper::latch);
            latch.is_some_and(|latch| !agreement.stands(&service.name, latch.epoch))
        };
        let looks = self.prepared.latched().any(is_unsettled).then(|| now.next_tick(LOOKS));
        agreement.wakes(now).into_iter().chain(looks).min()
    }

    /// Whether some service is not served here because the proxies cannot agree on it, or others may serve what the store does not know.
    pub(super) fn is_kept_out(&self, now: Now) -> bool {
        let is_quiet = || self.agreement.as_ref().is_some_and(|agreement| agreement.is_quiet_for(now).is_some());
        self.snapshot.services.iter().any(Service::is_unagreed) || is_quiet() && self.stopping().next().is_some()
    }

    /// The services that are not served where the proxies cannot agree on them.
    fn stopping(&self) -> impl Iterator<Item = &str> {
        let stops = |service: &&PreparedService| {
            let latch = self.latches.get(&service.name).and_then(Keeper::latch);
            service.rules().is_some_and(|rules| rules.without_agreement == WithoutAgreement::Stop)
                && !latch.is_some_and(|latch| latch.without_agreement)
        };
        self.prepared.latched().filter(stops).map(|service| &*service.name)
    }

    /// Why a service is not served here, where neither checks nor operator states are the reason.
    pub fn why_unserved(&self, service: &str) -> Option<String> {
        let shown = self.snapshot.service(service)?;
        if shown.is_unagreed() {
            let agreement = self.agreement.as_ref()?;
            return Some(match agreement.lost() {
                Some(_) => "no word from etcd".to_owned(),
                None if agreement.is_unreadable(service) => "what etcd has of its latch cannot be read".to_owned(),
                None => "this proxy holds no lease in etcd".to_owned(),
            });
        }
        let active = &self.latches.get(service).and_then(Keeper::latch)?.active;
        let is_here = shown.backends.iter().any(|backend| *backend.name == **active);
        (!is_here).then(|| format!("{active} is active, which the document does not have"))
    }

    /// What the operator should look at.
    pub(super) fn alarms_of_agreement(&self, now: Now) -> Vec<String> {
        let Some(agreement) = &self.agreement else { return Vec::new() };
        let mut alarms = Vec::new();
        let stopped = self.snapshot.services.iter().filter(|service| service.is_unagreed());
        let stopped: Vec<&str> = stopped.map(|service| &*service.name).collect();
        if let Some((since, why)) = agreement.lost() {
            let ago = duration::format(Duration::from_secs(now.running.saturating_sub(since).as_secs()));
            let stopped =
                if stopped.is_empty() { String::new() } else { format!("; 503 here for {}", listed(&stopped)) };
            alarms.push(format!(
                "agreement: no word from etcd for {ago} ({why}): no stateful service moves{stopped}; look after the members that \
                 `agreement.endpoints` names"
            ));
        } else if agreement.is_joining(now) {
            alarms.push(
                "agreement: this proxy has yet to take its seat in etcd: until then it serves by what peers tell"
                    .into(),
            );
        } else if !stopped.is_empty() && !agreement.can_step(now) {
            alarms.push(format!(
                "agreement: this proxy holds no lease: 503 here for {}; is its clock stopped, or the machine too busy?",
                listed(&stopped)
            ));
        }
        let stopping: Vec<&str> = self.stopping().collect();
        if let Some(left) = agreement.is_quiet_for(now).filter(|_| agreement.lost().is_none() && !stopping.is_empty()) {
            let (served, left) =
                (served_in_words(&stopping), duration::format(Duration::from_secs(left.as_secs() + 1)));
            alarms.push(match agreement.has_just_started() {
                true => format!(
                    "agreement: this proxy has just started: {served} here in {left}, when leases have run out that it cannot know of; until \
                     then requests wait, and it is not ready while a peer is"
                ),
                false => format!(
                    "agreement: what etcd has may be older than what other proxies still serve: {served} here in {left}, when their leases \
                     have run out"
                ),
            });
        }
        alarms.extend(agreement.unwritten(now).map(|why| {
            format!("agreement: etcd takes nothing ({why}): no stateful service moves; are its disks full, or may this proxy not write there?")
        }));
        let unreadable = agreement.view().into_iter().flat_map(|view| view.unreadable());
        alarms.extend(unreadable.map(|(key, why)| {
            let stopped = if matches!(key, Key::Latch(_)) { "; the service is stopped where it needs agreement" } else { "" };
            format!(
                "agreement: what etcd has at {key} cannot be read ({why}){stopped}: another version of polder may have written it; where none \
                 runs, `etcdctl del {key}` removes it (on a member of NixOS `polder-etcdctl`), and the proxies write what they have"
            )
        }));
        let last_words = self.prepared.latched().filter(|service| {
            let latch = self.latches.get(&service.name).and_then(Keeper::latch);
            latch.is_some_and(|latch| latch.without_agreement)
        });
        alarms.extend(last_words.map(|service| {
            format!(
                "{}: an operator moved it without agreement: another proxy may serve another backend, until etcd is heard again and has \
                 taken it in",
                service.name
            )
        }));
        alarms
    }
}

/// `shop and wiki are served`.
fn served_in_words(services: &[&str]) -> String {
    format!("{} {} served", listed(services), if services.len() == 1 { "is" } else { "are" })
}

/// Requests that run here on other backends of a service than this one.
fn elsewhere(snapshot: &Snapshot, service: &str, active: &str) -> u64 {
    let backends = snapshot.service(service).into_iter().flat_map(|service| &service.backends);
    backends.filter(|backend| *backend.name != *active).map(Backend::running).sum()
}
