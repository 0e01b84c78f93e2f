//! Zones: how many records change, and the serial.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::config::dns::Checks;
use crate::dnssec::validate::is_signed;
use crate::fleet::running::Running;
use crate::zone::{self, ZoneFile};

/// Removes the files' store paths from both documents, as their contents are compared; and zones that appear or go, if their
/// files can be described.
pub(super) fn forget_files(old: &mut Value, new: &mut Value, has_file: impl Fn(&str) -> bool) {
    let (mut before, mut after) = (super::members::take(old, "zones"), super::members::take(new, "zones"));
    for apex in super::members::names(&before, &after) {
        let (mut was, mut is) = (super::members::take(&mut before, &apex), super::members::take(&mut after, &apex));
        if (was.is_null() || is.is_null()) && has_file(&apex) {
            continue;
        }
        for (document, zone) in [(&mut *old, &mut was), (&mut *new, &mut is)] {
            super::members::take(zone, "file");
            if !zone.is_null() {
                document["zones"][&apex] = zone.take();
            }
        }
    }
}

/// Describes the changes of all zones.
pub(super) fn compare(old: &Running, new: &Running, sentences: &mut Vec<String>) {
    let apexes: BTreeSet<&String> = old.zones.keys().chain(new.zones.keys()).collect();
    for apex in apexes {
        match (old.zones.get(apex), new.zones.get(apex)) {
            (None, Some(text)) => {
                let serial = parsed(apex, text).and_then(|zone| zone.serial());
                let serial = serial.map_or_else(String::new, |serial| format!(" with serial {serial}"));
                sentences.push(format!("zone {apex} appears{serial}"));
            }
            (Some(_), None) => sentences.push(format!("zone {apex} goes")),
            (Some(old), Some(new)) if old != new => sentences.push(changed(apex, old, new)),
            _ => {}
        }
    }
}

fn changed(apex: &str, old: &str, new: &str) -> String {
    let (Some(old), Some(new)) = (parsed(apex, old), parsed(apex, new)) else {
        return format!("zone {apex}: its file changes, and one side of it cannot be read");
    };
    let records = match different(&old, &new) {
        0 => "no record changes".to_owned(),
        1 => "1 record changes".to_owned(),
        n => format!("{n} records change"),
    };
    let signed = match (is_signed(&old.records), is_signed(&new.records)) {
        (true, false) => {
            "; it comes signed no more: while its parent has a DS of it, validating resolvers answer SERVFAIL; take that away first, and wait until its \
             TTL is over"
        }
        (false, true) => "; it comes signed",
        (true, true) | (false, false) => "",
    };
    match (old.serial(), new.serial()) {
        (Some(before), Some(after)) if before == after => {
            format!("zone {apex}: {records}, serial stays {after}{signed}")
        }
        (Some(before), Some(after)) => format!("zone {apex}: {records}, serial {before} -> {after}{signed}"),
        _ => format!("zone {apex}: {records}{signed}"),
    }
}

fn parsed(apex: &str, text: &str) -> Option<ZoneFile> {
    zone::parse(apex, Path::new("zone"), text, Checks::Lenient).ok()
}

/// How many records differ, the SOA's serial not counted. A record that goes and one that appears at the same name and type
/// count as one that changes.
fn different(old: &ZoneFile, new: &ZoneFile) -> usize {
    let (old, new): (BTreeSet<_>, BTreeSet<_>) =
        (old.without_serial().into_iter().collect(), new.without_serial().into_iter().collect());
    let mut sets: BTreeMap<(&[u8], u16), (usize, usize)> = BTreeMap::new();
    for (owner, rtype, ..) in old.difference(&new) {
        sets.entry((owner, *rtype)).or_default().0 += 1;
    }
    for (owner, rtype, ..) in new.difference(&old) {
        sets.entry((owner, *rtype)).or_default().1 += 1;
    }
    sets.values().map(|(went, came)| went.max(came)).sum()
}
