//! The operator's steps: `failover`, `failback`, and the decision on a lost latch (pure).
//!
//! Owns what is refused and with which words. Must never: move a latch at once while running requests may still end; a
//! step is handed over by [`Keeper::step`]. Called by `control`.

use super::{Handing, Keeper, Latch, Now, Site, Standing};
use crate::api::bounds::BoundError;

/// Why the operator's step is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It is beyond a bound; says which (400).
    Beyond(BoundError),
    /// There is no such service or backend (404).
    Unknown(String),
    /// Not now; says what to do instead (409).
    Refused(String),
}

/// No honest latch moved so often: a move a second would have taken 30,000 years.
const HIGHEST_EPOCH: u64 = 1 << 40;

impl Keeper {
    /// The operator's `failover`: to the named backend, or the first usable one in order.
    pub fn failover(
        &mut self,
        to: Option<&str>,
        said: &Said<'_>,
        now: Now,
        site: &Site<'_>,
    ) -> Result<String, Refusal> {
        let service = site.service;
        if let Some(name) = to.filter(|name| site.find(name).is_none()) {
            return Err(Refusal::Unknown(format!("{service} has no backend {name}; it has {}", names(site))));
        }
        let Some(latch) = self.in_force.clone() else { return self.decide(to, said, now, site) };
        if let Some(words) = self.already_moving(to, site)? {
            return Ok(words);
        }
        let target = match to.and_then(|name| site.find(name)) {
            Some(target) => target,
            None => site.fresh(&latch).ok_or_else(|| {
                Refusal::Refused(format!(
                    "{service} has no usable backend to fail over to: {}{}",
                    in_words(site),
                    latch.spent_in_words(service)
                ))
            })?,
        };
        if target.name == latch.active {
            return Ok(format!("{service} is on {} already", target.name));
        }
        if !target.usable() {
            return Err(Refusal::Refused(format!("{}; it cannot become active now", target.in_words())));
        }
        if latch.spent.iter().any(|name| name == target.name) {
            return Err(Refusal::Refused(format!(
                "{} was failed away from and may hold stale sessions: `polder failback {service}` goes back to the primary \
                 and makes every backend eligible again",
                target.name
            )));
        }
        let next = latch.moved(target.name, latch.spent_with_active(), said.reason("failover"), now, site);
        Ok(self.hand(next, now, site, &latch.active))
    }

    /// The operator's `failback`: to the primary, and no backend counts as failed away from any more.
    pub fn failback(&mut self, said: &Said<'_>, now: Now, site: &Site<'_>) -> Result<String, Refusal> {
        let service = site.service;
        let Some(latch) = self.in_force.clone() else {
            return Err(Refusal::Refused(format!(
                "which backend of {service} is active is not known: `polder failover {service} --to BACKEND` decides"
            )));
        };
        let primary = site.primary().ok_or_else(|| Refusal::Refused(format!("{service} has no primary")))?;
        if let Some(words) = self.already_moving(Some(primary.name), site)? {
            return Ok(words);
        }
        if !primary.usable() && primary.name != latch.active {
            return Err(Refusal::Refused(format!("{}; {service} stays on {}", primary.in_words(), latch.active)));
        }
        let next = latch.moved(primary.name, Vec::new(), said.reason("failback"), now, site);
        if primary.name != latch.active {
            return Ok(self.hand(next, now, site, &latch.active));
        }
        if latch.spent.is_empty() {
            return Ok(format!("{service} is on {} already", primary.name));
        }
        self.propose(next);
        Ok(format!("{service} stays on {}; every backend is eligible again", primary.name))
    }

    /// The operator's `forget --latch`: as at its first start, the primary is active and nobody was failed away from. It wins
    /// everywhere: its epoch is higher. Where ours is beyond all reason it begins anew, and no peer can bring that one back,
    /// since it is too far ahead to be taken.
    pub fn forget(&mut self, said: &Said<'_>, now: Now, site: &Site<'_>) -> Result<String, Refusal> {
        let service = site.service;
        let primary = site.primary().ok_or_else(|| Refusal::Refused(format!("{service} has no primary")))?;
        let first = Latch::first(primary.name);
        let former = self.in_force.as_ref().filter(|latch| latch.epoch <= HIGHEST_EPOCH).unwrap_or(&first);
        let next =
            Latch { by_operator: true, ..former.moved(primary.name, Vec::new(), said.reason("forgotten"), now, site) };
        self.handing = None;
        let words = format!("{service} begins anew on {}, its primary, in epoch {}", primary.name, next.epoch);
        self.propose(next);
        Ok(words)
    }

    fn decide(&mut self, to: Option<&str>, said: &Said<'_>, now: Now, site: &Site<'_>) -> Result<String, Refusal> {
        let service = site.service;
        let Some(to) = to else {
            return Err(Refusal::Refused(format!(
                "which backend of {service} is active is not known: name it, `polder failover {service} --to BACKEND`, one of {}",
                names(site)
            )));
        };
        let nothing = Latch { epoch: 0, ..Latch::first(to) };
        self.propose(nothing.moved(to, Vec::new(), said.reason("decided"), now, site));
        Ok(format!("{service} is on {to}"))
    }

    /// The command tells every proxy, and proxies tell each other: the same step said twice is done, not refused.
    fn already_moving(&self, to: Option<&str>, site: &Site<'_>) -> Result<Option<String>, Refusal> {
        let Some(next) = self.handing.as_ref().map(|handing| &handing.next).or(self.proposed()) else {
            return Ok(None);
        };
        let words = format!("{} is moving to {} already", site.service, next.active);
        if to.is_some_and(|to| to != next.active) { Err(Refusal::Refused(words)) } else { Ok(Some(words)) }
    }

    fn hand(&mut self, next: Latch, now: Now, site: &Site<'_>, from: &str) -> String {
        let (to, drain) = (next.active.clone(), site.rules.failover_drain);
        let next = Latch { by_operator: true, ..next };
        self.handing = Some(Handing { next, ours: true, until: now.running + drain });
        let limit = crate::config::duration::format(drain);
        let service = site.service;
        format!("{service} moves from {from} to {to}: new requests wait, running ones have at most {limit} to end")
    }
}

/// Who says it, and why.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The operator.
    pub who: &'a str,
    /// May be empty.
    pub why: &'a str,
}

impl Said<'_> {
    fn reason(&self, verb: &str) -> String {
        match self.why {
            "" => format!("{verb} by {}", self.who),
            why => format!("{verb} by {}: {why}", self.who),
        }
    }
}

fn names(site: &Site<'_>) -> String {
    site.backends.iter().map(|backend| backend.name).collect::<Vec<_>>().join(", ")
}

fn in_words(site: &Site<'_>) -> String {
    site.backends.iter().map(Standing::in_words).collect::<Vec<_>>().join("; ")
}
