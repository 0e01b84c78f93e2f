//! The challenges of certificate authorities that proxies have told this nameserver ([`daemon::challenges`](crate::daemon::challenges)). Pure.
//!
//! Owns what each proxy told last, until when it counts, and which names are refused: those that a zone of the document does not
//! answer itself. Kept in memory alone. [`answers`] is what queries are answered from.

pub mod answers;
mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::compiled::Zones;
use super::signing::Signers;
use crate::config::dns::AcmeChallengesConfig;
use crate::config::duration;
use crate::counted::counted;
use crate::daemon::challenges::{self, LONGEST_HOLD, Told};
use crate::zone::name::Name;
use answers::ChallengeAnswers;
use place::place;

pub use place::Refusal;

/// Refused names that a line of the log has.
const MOST_LOGGED: usize = 8;

/// All challenges, by proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Challenges(BTreeMap<String, Held>);

/// Those of one proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    /// When they count no more ([`Now::running`](crate::daemon::clock::Now::running)).
    until: Duration,
    challenges: challenges::Challenges,
    /// Of these names none is answered.
    refused: BTreeMap<String, Refusal>,
}

/// What a successor gets of a proxy's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HandedOver {
    left_ms: u64,
    challenges: challenges::Challenges,
}

/// One name that is answered, for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldName {
    /// Without the final dot.
    pub name: String,
    /// The proxy that told it, or the nameserver that has its certificate ordered.
    pub proxy: String,
    /// How many values.
    pub values: usize,
    /// For how long, unless it is told again.
    pub left: Duration,
}

/// What a telling has changed.
#[derive(Debug, PartialEq, Eq)]
pub struct Changed {
    /// One line for the log.
    pub line: String,
    /// A name is refused.
    pub is_warning: bool,
}

impl Challenges {
    /// Takes what a proxy tells: the whole of its challenges. Gives what has changed, and the refused names.
    pub fn tell(
        &mut self,
        proxy: &str,
        told: Told,
        (config, zones): (Option<&AcmeChallengesConfig>, &Zones),
        running: Duration,
    ) -> (Option<Changed>, BTreeMap<String, String>) {
        let Told { hold, challenges } = told;
        let refused = refused(proxy, &challenges, config, zones);
        let in_words = refused.iter().map(|(name, why)| (name.clone(), why.to_string())).collect();
        let before = self.0.remove(proxy);
        let is_same = before
            .as_ref()
            .map_or(challenges.is_empty(), |held| (&held.challenges, &held.refused) == (&challenges, &refused));
        let held = Held { until: running + hold.min(LONGEST_HOLD), challenges, refused };
        let changed = (!is_same).then(|| held.changed(proxy));
        if !held.challenges.is_empty() {
            self.0.insert(proxy.to_owned(), held);
        }
        (changed, in_words)
    }

    /// Goes by another document: what it does not allow is no longer answered.
    pub fn reload(&mut self, config: Option<&AcmeChallengesConfig>, zones: &Zones) {
        self.0.retain(|proxy, _| config.is_some_and(|config| config.from.contains_key(proxy)));
        for (proxy, held) in &mut self.0 {
            held.refused = refused(proxy, &held.challenges, config, zones);
        }
    }

    /// Forgets what was not told again in time; a line for each proxy.
    pub fn expire(&mut self, running: Duration) -> Vec<String> {
        let expired = self.0.extract_if(.., |_, held| held.until <= running);
        expired
            .map(|(proxy, _)| format!("{proxy} has not told its ACME challenges again in time: they are gone"))
            .collect()
    }

    /// When [`Challenges::expire`] has something to do.
    pub fn wakes(&self) -> Option<Duration> {
        self.0.values().map(|held| held.until).min()
    }

    /// What queries are answered from: these, and what nameservers have `ordered` themselves. None where there is nothing.
    /// They are signed at this time, in seconds since the epoch, as their zones are; `before` is what was answered.
    pub fn answers(
        &self,
        ordered: &challenges::Challenges,
        zones: &Zones,
        signing: (&Signers, u64),
        before: Option<&ChallengeAnswers>,
    ) -> Option<ChallengeAnswers> {
        let mut by_name: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, values) in self.0.values().flat_map(Held::answered).chain(ordered) {
            by_name.entry(name.as_str()).or_default().extend(values.iter().map(challenges::Value::as_str));
        }
        ChallengeAnswers::new(zones, by_name, signing, before)
    }

    /// Every name that is answered.
    pub fn held(&self, running: Duration) -> impl Iterator<Item = HeldName> {
        self.0.iter().flat_map(move |(proxy, held)| {
            let left = held.until.saturating_sub(running);
            held.answered().map(move |(name, values)| HeldName {
                name: name.to_string(),
                proxy: proxy.clone(),
                values: values.len(),
                left,
            })
        })
    }

    /// For a successor.
    pub fn to_hand_over(&self, running: Duration) -> BTreeMap<String, HandedOver> {
        let handed_over = |held: &Held| HandedOver {
            left_ms: held.until.saturating_sub(running).as_millis() as u64,
            challenges: held.challenges.clone(),
        };
        self.0.iter().map(|(proxy, held)| (proxy.clone(), handed_over(held))).collect()
    }

    /// Takes over a predecessor's.
    pub fn inherit(
        &mut self,
        handed_over: BTreeMap<String, HandedOver>,
        (config, zones): (Option<&AcmeChallengesConfig>, &Zones),
        running: Duration,
    ) {
        for (proxy, HandedOver { left_ms, challenges }) in handed_over {
            self.tell(&proxy, Told { hold: Duration::from_millis(left_ms), challenges }, (config, zones), running);
        }
        self.reload(config, zones);
    }
}

impl Held {
    fn answered(&self) -> impl Iterator<Item = (&challenges::Name, &BTreeSet<challenges::Value>)> {
        self.challenges.iter().filter(|(name, _)| !self.refused.contains_key(name.as_str()))
    }

    fn changed(&self, proxy: &str) -> Changed {
        let answered: Vec<String> =
            self.answered().map(|(name, values)| format!("{name} ({})", counted(values.len(), "value"))).collect();
        let mut line = match answered.is_empty() {
            true => format!("{proxy} has no ACME challenge answered"),
            false => format!("{proxy} has ACME challenges answered: {}", answered.join(", ")),
        };
        for (name, why) in self.refused.iter().take(MOST_LOGGED) {
            line.push_str(&format!("; refused: {name} {why}"));
        }
        if let Some(more @ 1..) = self.refused.len().checked_sub(MOST_LOGGED) {
            line.push_str(&format!("; and {more} more are refused"));
        }
        Changed { line, is_warning: !self.refused.is_empty() }
    }
}

impl HeldName {
    /// For the operator; follows the name.
    pub fn in_words(&self) -> String {
        let left = duration::format(Duration::from_secs(self.left.as_secs()));
        format!("{} told by {}, for another {left}", counted(self.values, "value"), self.proxy)
    }
}

/// Why a name that this proxy tells is not answered; none if it is.
pub fn refusal(
    proxy: &str,
    name: &challenges::Name,
    config: Option<&AcmeChallengesConfig>,
    zones: &Zones,
) -> Option<Refusal> {
    let from = config.and_then(|config| config.from.get(proxy));
    let refusal = place(zones, &Name::from_text(name.as_str())?, from.and_then(|from| from.zones.as_ref())).err();
    match (from, refusal) {
        // What is not ours is nobody's to tell here.
        (None, refusal) if refusal != Some(Refusal::Elsewhere) => Some(Refusal::Unlisted),
        (_, refusal) => refusal,
    }
}

/// Why a name at which a nameserver has a certificate ordered is not answered here; none if it is.
pub fn refusal_of_ordered(name: &challenges::Name, zones: &Zones) -> Option<Refusal> {
    place(zones, &Name::from_text(name.as_str())?, None).err()
}

fn refused(
    proxy: &str,
    challenges: &challenges::Challenges,
    config: Option<&AcmeChallengesConfig>,
    zones: &Zones,
) -> BTreeMap<String, Refusal> {
    let of = |name: &challenges::Name| Some((name.as_str().to_owned(), refusal(proxy, name, config, zones)?));
    challenges.keys().filter_map(of).collect()
}

#[cfg(test)]
mod tests;
