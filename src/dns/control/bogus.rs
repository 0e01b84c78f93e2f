//! Zones from other nameservers that resolvers refuse if they validate: what is logged when one comes, when it is mended, and when it is signed no more (pure).

use crate::dns::compiled::Zone;
use crate::log_line::{Kind, LogLine};

/// What is said of a zone that takes the place of the one before it. Nothing of one that is refused for the reason for which it was refused before.
pub(super) fn line(apex: &str, before: Option<&Zone>, zone: &Zone) -> Option<LogLine> {
    let serial = zone.serial;
    if before.is_some_and(Zone::is_presigned) && !zone.is_presigned() {
        let line = LogLine::warn(
            Kind::Other,
            format!(
                "zone {apex}: serial {serial} is not signed any more, and the one before was: as long as the zone above has a DS of it, resolvers \
                 that validate refuse it"
            ),
        );
        return Some(line.about(apex));
    }
    let before = before.and_then(|before| before.bogus.as_ref());
    let line = match (before, &zone.bogus) {
        (None, None) => return None,
        (Some(before), Some(why)) if before == why => return None,
        (_, Some(why)) => LogLine::warn(
            Kind::Other,
            format!("zone {apex}: resolvers that validate refuse serial {serial}, which is served as it came: {why}"),
        ),
        (Some(_), None) => LogLine::info(
            Kind::Other,
            format!("zone {apex}: serial {serial} is signed as resolvers that validate want it"),
        ),
    };
    Some(line.about(apex))
}
