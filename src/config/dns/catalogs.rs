//! `catalog` of a zone: it is made of the names of other zones of the document, so that other nameservers learn what to serve (RFC 9432).

use std::collections::BTreeMap;

use crate::config::distinct::Distinct;
use crate::config::names;
use crate::config::reader::{Keys, Location, Read, Value};

/// What a catalog is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CatalogConfig {
    /// Its members by apex, each with its group if it has one. There may be several (RFC 9432, 4.3.2), but Knot takes nothing from a catalog with
    /// such a member.
    pub members: BTreeMap<String, Option<String>>,
}

/// The keys of `catalog`.
pub(super) const KEYS: Keys = Keys { object: "zones.NAME.catalog", names: &["groups", "zones"] };

/// The most zones that a catalog lists, one of ours or of another nameserver.
pub const MOST_MEMBERS: usize = 10_000;

/// The longest apex of a catalog, in characters: what stands below it has to fit.
const LONGEST_APEX: usize = 190;

/// The longest name of a group: one string of a TXT record.
const LONGEST_GROUP: usize = 255;

/// What counts here of a zone of the document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// It is a catalog itself.
    pub(super) is_catalog: bool,
    /// Others get it: it has `transfer`.
    pub(super) is_given: bool,
}

/// What is written of a catalog, before the document's other zones are known.
#[derive(Debug)]
pub(super) struct Written<'a> {
    location: Location<'a>,
    /// None: every zone that others get.
    zones: Option<Vec<(String, Location<'a>)>>,
    groups: BTreeMap<String, (Location<'a>, String)>,
}

/// Reads it.
pub(super) fn read<'a>(value: &Value<'a>) -> Read<Written<'a>> {
    let catalog = value.object(&KEYS)?;
    let zones = catalog.optional("zones", |value| {
        let mut distinct = Distinct::default();
        value.list("names of zones", |value| {
            let zone = distinct.claim_parsed(value, "the name of a zone", names::zone_name)?;
            Ok((zone, value.location.clone()))
        })
    });
    let groups = catalog.with_default("groups", BTreeMap::new(), |value| {
        value.table(names::zone_name, |_, location, value| {
            Ok((location.clone(), value.parsed("the name of a group", group)?))
        })
    });
    Ok(Written { location: value.location.clone(), zones: zones?, groups: groups? })
}

impl Written<'_> {
    /// Finds its members among the zones of the document.
    pub(super) fn resolve(self, apex: &str, zones: &BTreeMap<String, Known>) -> Read<CatalogConfig> {
        if zones.get(apex).is_none_or(|own| !own.is_given) {
            return Err(self
                .location
                .fault("a catalog that nobody gets is of no use: expected \"transfer\" beside it"));
        }
        if matches!(apex, "." | "invalid") || apex.len() > LONGEST_APEX {
            let message = format!(
                "cannot be a catalog's name: expected one with at most {LONGEST_APEX} characters that is not \".\" or \"invalid\", like \"catalog.invalid\""
            );
            return Err(self.location.fault(message));
        }
        let members = match self.zones {
            Some(named) => {
                let members: Vec<Read<String>> =
                    named.into_iter().map(|(zone, location)| member(zone, &location, zones)).collect();
                members.into_iter().collect::<Read<Vec<String>>>()?
            }
            None => {
                let all = zones.iter().filter(|(_, zone)| zone.is_given && !zone.is_catalog);
                let all: Vec<String> = all.map(|(zone, _)| zone.clone()).collect();
                if all.is_empty() {
                    return Err(self
                        .location
                        .fault("no zone of the document has \"transfer\": nobody could get what the catalog names"));
                }
                all
            }
        };
        if members.len() > MOST_MEMBERS {
            let message = format!("would list {} zones: expected at most {MOST_MEMBERS}, by \"zones\"", members.len());
            return Err(self.location.fault(message));
        }
        let mut members: BTreeMap<String, Option<String>> = members.into_iter().map(|member| (member, None)).collect();
        let mut wrong = Ok(());
        for (zone, (location, group)) in self.groups {
            match members.get_mut(&zone) {
                Some(own) => *own = Some(group),
                None => wrong = Err(location.fault(format!("{zone} is no member of this catalog"))),
            }
        }
        wrong.map(|()| CatalogConfig { members })
    }
}

fn member(zone: String, location: &Location<'_>, zones: &BTreeMap<String, Known>) -> Read<String> {
    match zones.get(&zone) {
        None => Err(location.fault(format!("{zone:?} is none of the zones of this document"))),
        Some(known) if known.is_catalog => Err(location.fault(format!("{zone:?} is a catalog itself"))),
        Some(known) if !known.is_given => {
            Err(location.fault(format!("{zone:?} has no \"transfer\": whoever learns of it here could not get it")))
        }
        Some(_) => Ok(zone),
    }
}

fn group(text: &str) -> Result<String, String> {
    let is_good = !text.is_empty() && text.len() <= LONGEST_GROUP && text.bytes().all(|byte| byte.is_ascii_graphic());
    match is_good {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "{text:?} is not a group: expected 1 to {LONGEST_GROUP} printable ASCII characters without spaces"
        )),
    }
}
