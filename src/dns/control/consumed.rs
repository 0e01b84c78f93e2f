//! Catalogs from other nameservers: which zones they have us serve (pure).
//!
//! What a catalog lists becomes a zone from other nameservers like those of the document, by the template that stands beside the catalog. Must
//! never: take anything from a catalog that is broken, drop a zone because a catalog has expired, or let a catalog take a zone that is another's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::secondaries::{Listing, Secondary, SecondaryTask};
use super::{Effect, State};
use crate::config::dns::ZoneConfig;
use crate::counted::{counted, listed};
use crate::daemon::clock::Now;
use crate::dns::catalog::{Member, Members, reading};
use crate::dns::compiled::Found;
use crate::log_line::{Kind, LogLine};
use crate::zone::name::{self, Name};
use crate::zone::number::rtype;

/// A catalog from other nameservers.
#[derive(Debug, Default)]
pub struct Consumed {
    /// What it listed when it was sound last; none: it has never been.
    members: Option<Members>,
    /// The number of the zone that this was read from.
    serial: Option<u32>,
    /// Why it is broken, if it is.
    broken: Option<String>,
    /// Zones that it lists and that are not taken from it, each with the reason.
    refused: BTreeMap<String, String>,
}

/// A name that a pool answers, in the text of the document and in wire format.
type Owner<'d> = (&'d str, Box<[u8]>);

/// The most refused zones that an alarm names.
const MOST_NAMED: usize = 5;

impl State {
    /// Forgets what was known of catalogs that the document has no more.
    pub(super) fn reload_consumed(&mut self) {
        let configs = &self.document.config.zones;
        let is_consumed = |apex: &String| configs.get(apex).is_some_and(|config| config.member().is_some());
        self.consumed.retain(|apex, _| is_consumed(apex));
        for apex in configs.keys().filter(|apex| is_consumed(apex)) {
            self.consumed.entry(apex.clone()).or_default();
        }
    }

    /// Reads the catalog that has just come, or was stored or not, if this is one.
    pub(super) fn read_consumed(&mut self, apex: &str, now: Now) -> Vec<Effect> {
        let Some(consumed) = self.consumed.get_mut(apex) else { return Vec::new() };
        let Some(zone) = self.secondaries.get(apex).and_then(|secondary| secondary.zone.clone()) else {
            return self.follow_catalogs(now);
        };
        consumed.serial = Some(zone.serial);
        match reading::members(&zone) {
            Ok(members) => {
                consumed.broken = None;
                consumed.members = Some(members);
                self.follow_catalogs(now)
            }
            Err(why) => {
                let line =
                    format!("catalog {apex} is broken, and nothing is changed by it: serial {}: {why}", zone.serial);
                consumed.broken = Some(why.to_string());
                let mut effects = self.follow_catalogs(now);
                effects.push(Effect::Log(LogLine::warn(Kind::Other, line).about(apex)));
                effects
            }
        }
    }

    /// Makes the zones that catalogs list those that are here. One that is here stays its catalog's, until that lists it no more or gives it to
    /// another one (RFC 9432, 5.1, 5.3 to 5.5).
    pub(super) fn follow_catalogs(&mut self, now: Now) -> Vec<Effect> {
        self.have_members_changed = true;
        self.have_zones_changed = true;
        // One that is stored may have a say in whose a zone is.
        if !self.consumed.keys().all(|apex| self.secondaries.get(apex).is_some_and(|catalog| catalog.is_read)) {
            return Vec::new();
        }
        let mut effects = self.drop_unlisted();
        let document = Arc::clone(&self.document);
        let pools = document.config.pools.iter();
        let owners = pools.flat_map(|(pool, config)| std::iter::once(pool).chain(&config.aliases));
        let owners: Vec<Owner<'_>> =
            owners.filter_map(|owner| Some((owner.as_str(), name::from_text(owner)?))).collect();
        let catalogs: Vec<(String, Members)> = self
            .consumed
            .iter()
            .filter_map(|(apex, consumed)| Some((apex.clone(), consumed.members.clone()?)))
            .collect();
        for (catalog, members) in &catalogs {
            let Some(config) = self.document.config.zones.get(catalog).and_then(ZoneConfig::member).cloned() else {
                continue;
            };
            let mut refused = BTreeMap::new();
            let mut begun = Vec::new();
            for (apex, member) in members {
                let listing = Listing { catalog: catalog.clone(), label: member.label.clone() };
                match self.claim(apex, &listing, member.moves_to.as_deref(), &owners) {
                    Claim::Kept | Claim::Given => {}
                    Claim::Taken => {
                        if let Some(secondary) = self.secondaries.get_mut(apex) {
                            effects.extend(secondary.take_config(apex, &config, now));
                        }
                        begun.push(apex.clone());
                    }
                    Claim::Begun { is_anew } => {
                        if is_anew {
                            self.secondaries.remove(apex);
                            effects.push(Effect::Secondary(SecondaryTask::Remove(apex.clone())));
                        }
                        let secondary = self.begin_secondary(&config, Some(listing), now);
                        let secondary = match is_anew {
                            true => secondary.without_stored(),
                            false => {
                                effects.push(Effect::Secondary(SecondaryTask::Read(apex.clone(), config.clone())));
                                secondary
                            }
                        };
                        self.secondaries.insert(apex.clone(), secondary);
                        begun.push(apex.clone());
                    }
                    Claim::Refused(why) => {
                        // It may have been here until the document said otherwise.
                        if self.catalog_of(apex) == Some(catalog) {
                            self.secondaries.remove(apex);
                            effects.push(Effect::Secondary(SecondaryTask::Remove(apex.clone())));
                        }
                        refused.insert(apex.clone(), why);
                    }
                }
            }
            if !begun.is_empty() {
                let line = format!("catalog {catalog} lists {}: {}", counted(begun.len(), "new zone"), brief(&begun));
                effects.push(Effect::Log(LogLine::info(Kind::Other, line).about(catalog)));
            }
            if let Some(consumed) = self.consumed.get_mut(catalog)
                && consumed.refused != refused
            {
                for (apex, why) in
                    refused.iter().filter(|(apex, _)| !consumed.refused.contains_key(*apex)).take(MOST_NAMED)
                {
                    let line = format!("catalog {catalog} lists {apex}, which is not taken from it: {why}");
                    effects.push(Effect::Log(LogLine::warn(Kind::Other, line).about(catalog)));
                }
                consumed.refused = refused;
            }
        }
        effects
    }

    /// Removes the zones that no catalog lists any more: those that came from it, and none besides.
    fn drop_unlisted(&mut self) -> Vec<Effect> {
        let consumed = &self.consumed;
        let is_listed = |apex: &String, secondary: &Secondary| {
            let Some(listing) = &secondary.listing else { return true };
            // A catalog that has not been read says nothing of what it lists.
            let members = consumed.get(&listing.catalog).map(|consumed| consumed.members.as_ref());
            members.is_some_and(|members| members.is_none_or(|members| members.contains_key(apex)))
        };
        let gone: Vec<(String, String)> = self
            .secondaries
            .iter()
            .filter(|(apex, secondary)| !is_listed(apex, secondary))
            .filter_map(|(apex, secondary)| Some((apex.clone(), secondary.listing.as_ref()?.catalog.clone())))
            .collect();
        let mut effects = Vec::new();
        for (apex, catalog) in gone {
            self.secondaries.remove(&apex);
            effects.push(Effect::Secondary(SecondaryTask::Remove(apex.clone())));
            let line = format!("zone {apex} is served no more: catalog {catalog} does not list it");
            effects.push(Effect::Log(LogLine::info(Kind::Other, line).about(&apex)));
        }
        effects
    }

    /// What comes of it that a catalog lists a zone.
    fn claim(&mut self, apex: &str, listing: &Listing, moves_to: Option<&str>, owners: &[Owner<'_>]) -> Claim {
        if self.document.config.zones.contains_key(apex) {
            return Claim::Refused("it is a zone of the document".to_owned());
        }
        let wire = name::from_text(apex).unwrap_or_default();
        if let Some((owner, _)) = owners.iter().find(|(_, owner)| name::is_within(owner, &wire)) {
            return Claim::Refused(format!("it would take {owner}, a name of a pool, from the zone of the document"));
        }
        if let Some(why) = self.why_not_below(&wire) {
            return Claim::Refused(why);
        }
        // Given away only to a catalog that keeps it: in a circle nobody would have it.
        let lists = |catalog: &str| self.consumed.get(catalog)?.members.as_ref()?.get(apex);
        let keeps = |to: &str| {
            let goes_on = |there: &Member| there.moves_to.as_deref().is_some_and(|on| lists(on).is_some());
            to != listing.catalog && lists(to).is_some_and(|there| !goes_on(there))
        };
        if moves_to.is_some_and(keeps) {
            return Claim::Given;
        }
        let Some(present) = self.secondaries.get_mut(apex) else { return Claim::Begun { is_anew: false } };
        let Some(owner) = present.listing.clone() else {
            return Claim::Refused("it is a zone of the document".to_owned());
        };
        if owner.catalog != listing.catalog {
            let members = self.consumed.get(&owner.catalog).and_then(|owner| owner.members.as_ref());
            let is_given = members
                .and_then(|members| members.get(apex))
                .is_some_and(|member| member.moves_to.as_deref() == Some(&*listing.catalog));
            if !is_given {
                return Claim::Refused(format!("catalog {} lists it too, and had it first", owner.catalog));
            }
        }
        if owner.label != listing.label {
            // To be got anew, whatever is here of it (RFC 9432, 5.4 and 5.5).
            return Claim::Begun { is_anew: true };
        }
        if owner.catalog == listing.catalog {
            return Claim::Kept;
        }
        present.listing = Some(listing.clone());
        Claim::Taken
    }

    /// Why a name may not become a zone below one of the document: that has to delegate it, or a catalog could take any name of it.
    fn why_not_below(&self, wire: &[u8]) -> Option<String> {
        let name = Name::from_wire(wire)?;
        let zones = &self.document.config.zones;
        let mut above = (1..=name.labels()).map(|label| name::to_text(name.from_label(label)));
        let around = above.find(|apex| zones.contains_key(apex))?;
        let found = name::from_text(&around).and_then(|apex| match self.secondaries.get(&around) {
            Some(secondary) => secondary.zone.clone(),
            None => self.document.zones.get(&apex).cloned(),
        });
        match found {
            Some(zone) if matches!(zone.find(&name, rtype::SOA), Found::Cut(_)) => None,
            Some(_) => Some(format!("it lies in zone {around} of the document, which does not delegate it")),
            None => Some(format!("it lies in zone {around} of the document, which is not there to delegate it")),
        }
    }

    /// What each catalog lists has been looked at: what is stored of other zones may go.
    pub(in crate::dns) fn are_catalogs_read(&self) -> bool {
        self.consumed.values().all(|consumed| consumed.members.is_some())
    }

    /// The zones of which something may be stored.
    pub(in crate::dns) fn stored_zones(&self) -> impl Iterator<Item = &str> {
        let catalogs = self.document.config.zones.iter().filter(|(_, config)| config.catalog().is_some());
        catalogs.map(|(apex, _)| apex.as_str()).chain(self.secondaries.keys().map(String::as_str))
    }

    /// The zones that catalogs list and that are served by that, each with what a document would say of it.
    pub(in crate::dns) fn listed_zones(&self) -> impl Iterator<Item = (&String, &ZoneConfig)> {
        let listed = self.secondaries.iter().filter(|(_, secondary)| secondary.listing.is_some());
        listed.map(|(apex, secondary)| (apex, &secondary.config))
    }

    /// All zones: those of the document, and those that catalogs list.
    pub(in crate::dns) fn all_zones(&self) -> impl Iterator<Item = (&String, &ZoneConfig)> {
        self.document.config.zones.iter().chain(self.listed_zones())
    }

    /// The catalog that a zone comes from.
    pub(in crate::dns) fn catalog_of(&self, apex: &str) -> Option<&str> {
        Some(&self.secondaries.get(apex)?.listing.as_ref()?.catalog)
    }

    /// How many zones each catalog lists, those that are made here and those from other nameservers.
    pub(in crate::dns) fn catalog_sizes(&self) -> impl Iterator<Item = (&str, usize)> {
        let consumed = self.consumed.iter();
        let consumed =
            consumed.map(|(apex, consumed)| (apex.as_str(), consumed.members.as_ref().map_or(0, Members::len)));
        self.made_sizes().chain(consumed)
    }

    /// What the operator should look at.
    pub(in crate::dns) fn catalog_alarms(&self) -> Vec<String> {
        let mut alarms = Vec::new();
        for (catalog, Consumed { members, broken, refused, serial }) in &self.consumed {
            if let Some(why) = broken {
                let serial = serial.unwrap_or_default();
                let present = match members {
                    Some(members) => format!("what it listed before counts ({})", counted(members.len(), "zone")),
                    None => "nothing is served by it".to_owned(),
                };
                alarms.push(format!("catalog {catalog} is broken (serial {serial}): {why}; {present}"));
            }
            if !refused.is_empty() {
                let named: Vec<String> = refused.iter().map(|(apex, why)| format!("{apex}: {why}")).collect();
                alarms.push(format!(
                    "catalog {catalog} lists {} that cannot be taken from it: {}",
                    counted(refused.len(), "zone"),
                    brief(&named)
                ));
            }
        }
        alarms
    }

    /// How a catalog from other nameservers stands, in words; `None` for another zone.
    pub(in crate::dns) fn consumed_in_words(&self, apex: &str) -> Option<String> {
        let consumed = self.consumed.get(apex)?;
        let lists = counted(consumed.members.as_ref().map_or(0, Members::len), "zone");
        let broken = consumed.broken.as_ref().map(|why| format!("; it is broken: {why}")).unwrap_or_default();
        Some(format!(
            "it is a catalog, by which {lists} are served, and answered only to those who may have it whole{broken}"
        ))
    }
}

enum Claim {
    /// It is here by this.
    Kept,
    /// It is left to the catalog that this one names, and that lists it.
    Given,
    /// It was another catalog's, which has given it to this one.
    Taken,
    /// It is new here, or to be got anew.
    Begun { is_anew: bool },
    /// It is another's, for this reason.
    Refused(String),
}

/// The first few.
fn brief(named: &[String]) -> String {
    let first: BTreeSet<&str> = named.iter().take(MOST_NAMED).map(String::as_str).collect();
    match named.len().saturating_sub(MOST_NAMED) {
        0 => listed(&first),
        more => format!("{}, and {more} more", first.into_iter().collect::<Vec<_>>().join(", ")),
    }
}
