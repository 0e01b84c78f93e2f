//! Zones from other nameservers that resolvers refuse if they validate: what is logged when one comes, and when it is mended (pure).

use crate::dns::compiled::Zone;
use crate::log_line::{Kind, LogLine};

/// What is said of a zone that takes the place of the one before it. Nothing of one that is refused for the reason for which it was refused before.
pub(super) fn line(apex: &str, before: Option<&Zone>, zone: &Zone) -> Option<LogLine> {
    let (before, serial) = (before.and_then(|before| before.bogus.as_ref()), zone.serial);
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
