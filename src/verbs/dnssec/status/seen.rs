//! What the nameservers have said of their signed zones, and what it comes to (pure).

use serde::Serialize;

use super::super::parent::Parent;
use super::{above, findings, for_parent, next};
use crate::api::dns::DnssecStatus;
use crate::push::error::Error;
use crate::verbs::replies::DaemonReply;
use crate::verbs::signed_zones::{self, SignedZone};

/// What the nameservers have said.
pub(super) struct Seen<'a> {
    pub(super) zones: Vec<ZoneSeen<'a>>,
    /// Those that do not answer, and why.
    pub(super) silent: Vec<(String, &'a Error)>,
    /// In milliseconds since the epoch.
    pub(super) now: u64,
}

/// A signed zone, and what is to be said of it.
pub(super) struct ZoneSeen<'a> {
    pub(super) zone: SignedZone<'a>,
    pub(super) findings: Vec<String>,
    pub(super) next: Vec<String>,
    /// How far its ZSKs were made ahead, in a sentence.
    pub(super) schedule: Option<String>,
    pub(super) parent: for_parent::Parent,
    /// What the zone above has in fact; none: it was not asked.
    pub(super) above: Option<Above>,
}

/// What the nameservers of the zone above have.
pub(super) struct Above {
    pub(super) asked: Parent,
    /// What that is, in sentences.
    pub(super) told: Vec<String>,
}

impl<'a> Seen<'a> {
    /// Of all zones, or of one.
    pub(super) fn of(replies: &'a [DaemonReply], only: Option<&str>, now: u64) -> Seen<'a> {
        let zones = signed_zones::all(replies.iter().filter_map(DaemonReply::nameserver));
        let wanted = zones.into_iter().filter(|zone| only.is_none_or(|only| zone.name == only));
        let seen = |zone: SignedZone<'a>| ZoneSeen {
            findings: findings::of(&zone, now),
            next: next::steps(&zone, for_parent::steps(&zone, now)),
            schedule: next::schedule(&zone),
            parent: for_parent::Parent::of(&zone, now),
            above: None,
            zone,
        };
        let silent = replies.iter().filter_map(|one| Some((one.name(), one.answer.as_ref().err()?)));
        Seen { zones: wanted.map(seen).collect(), silent: silent.collect(), now }
    }

    /// Takes in what the zone above the one that is shown has.
    pub(super) fn look_at(&mut self, asked: Parent) {
        let Some(seen) = self.zones.first_mut() else { return };
        seen.findings.extend(above::findings(&seen.zone, &asked));
        let told = asked.told(&above::keys(&seen.zone));
        seen.above = Some(Above { asked, told });
    }

    pub(super) fn is_well(&self) -> bool {
        self.silent.is_empty() && self.zones.iter().all(|zone| zone.findings.is_empty())
    }

    pub(super) fn report(&self) -> Report<'_> {
        let silent = self.silent.iter().map(|(name, error)| Silent { name, error }).collect();
        Report { well: self.is_well(), zones: self.zones.iter().map(ZoneSeen::report).collect(), silent }
    }
}

impl ZoneSeen<'_> {
    /// When the first signature runs out, in milliseconds since the epoch; none: no nameserver signs.
    pub(super) fn expires_ms(&self) -> Option<u64> {
        self.zone.signing().filter_map(|(_, status)| status.expires_ms).min()
    }

    fn report(&self) -> ZoneReport<'_> {
        let signers = self.zone.signers.iter().map(|(name, dnssec)| OnNameserver { name, dnssec: Some(dnssec) });
        let others = self.zone.others.iter().map(|name| OnNameserver { name, dnssec: None });
        ZoneReport {
            zone: self.zone.name,
            well: self.findings.is_empty(),
            findings: &self.findings,
            expires_ms: self.expires_ms(),
            next: &self.next,
            schedule: self.schedule.as_deref(),
            ds: self.parent.records().collect(),
            parent: self.above.as_ref().map(|above| &above.asked),
            nameservers: signers.chain(others).collect(),
        }
    }
}

/// For machines.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    /// Nothing is found, and all answer.
    well: bool,
    zones: Vec<ZoneReport<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    silent: Vec<Silent<'a>>,
}

#[derive(Serialize)]
struct ZoneReport<'a> {
    zone: &'a str,
    well: bool,
    findings: &'a [String],
    /// When the first signature runs out, in milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_ms: Option<u64>,
    next: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<&'a str>,
    /// The records that the parent is to have now.
    ds: Vec<&'a str>,
    /// What it has in fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<&'a Parent>,
    nameservers: Vec<OnNameserver<'a>>,
}

/// How a zone stands on one of its nameservers; without DNSSEC where its document does not have it signed.
#[derive(Serialize)]
struct OnNameserver<'a> {
    name: &'a str,
    dnssec: Option<&'a DnssecStatus>,
}

#[derive(Serialize)]
struct Silent<'a> {
    name: &'a str,
    error: &'a Error,
}
