//! A zone's serial goes up with every change, and never down (RFC 1982): secondaries elsewhere rely on it.

use super::documents::Running;
use super::report::{Checked, SerialFacts, Served};
use crate::fleet::Fleet;
use crate::zone::serial::is_newer;

pub(super) fn check(fleet: &Fleet, running: &Running, facts: &SerialFacts, checked: &mut Checked) {
    for (apex, zone) in &fleet.zones {
        let Some(serial) = running.zones.get(apex).and_then(|file| file.serial()) else { continue };
        let place = zone.file.display().to_string();
        let served = facts.served.get(apex).map_or(&[][..], Vec::as_slice);
        against_served(apex, &place, serial, served, checked);
        for change in facts.changes.iter().filter(|change| change.apex == *apex) {
            if !is_newer(serial, change.serial_before) {
                let before = change.serial_before;
                let message = format!(
                    "the zone differs from the last revision, and its serial is {serial} where that has {before}: \
                     run `polder serial {apex}`"
                );
                checked.finding(&place, message);
            }
        }
    }
}

fn against_served(apex: &str, place: &str, serial: u32, served: &[Served], checked: &mut Checked) {
    let mut compared = false;
    for one in served {
        match one {
            Served::Serial { by, serial: theirs } => {
                compared = true;
                if is_newer(*theirs, serial) {
                    checked.finding(
                        place,
                        format!(
                            "its serial is {serial}, and {by} has {theirs}, which is higher: run `polder serial {apex} \
                             --above {theirs}`"
                        ),
                    );
                }
            }
            Served::NotYet { by } => {
                compared = true;
                checked.note(format!("zone {apex}"), format!("{by} does not serve it yet"));
            }
            Served::Unknown { by, why } => {
                checked.note(format!("zone {apex}"), format!("{by} could not be asked for its serial: {why}"));
            }
        }
    }
    if !compared {
        checked.note(
            format!("zone {apex}"),
            format!("its serial {serial} was not compared with what is served: state that with --served {apex}=SERIAL"),
        );
    }
}
