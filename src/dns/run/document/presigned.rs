//! Zones whose files come signed: looked at as validators would before they are served.

use std::path::Path;

use crate::config::dns::{Checks, ZoneConfig};
use crate::config::{DnsConfig, Finding, Findings};
use crate::dns::compiled::{self, PoolOwners, Zone};
use crate::dnssec::validate::{self, Depth, Judged, Severity, Subject};
use crate::unix_time;
use crate::zone::{self, ZoneFile};

/// One zone, compiled at once: of its file as a whole nothing stays in memory. What validators would refuse for good, whenever they looked, is an
/// error. What its time makes of it is not: a nameserver whose signatures have run out is better than none, and has an alarm.
///
/// # Errors
///
/// Every finding.
pub fn load(apex: &str, config: &ZoneConfig, owners: &PoolOwners<'_>, depth: Depth) -> Result<Zone, Findings> {
    let mut file = read(apex, config)?;
    let Judged { errors, warnings } = judge(&file, config.checks, depth);
    if !errors.is_empty() {
        return Err(Findings(errors));
    }
    file.warnings.extend(warnings);
    compiled::compile_zone(&file, owners)
}

/// The same whatever is wrong with its signatures: for a start without a good copy.
///
/// # Errors
///
/// Something else is wrong.
pub fn load_as_it_is(apex: &str, config: &ZoneConfig, owners: &PoolOwners<'_>) -> Result<Zone, Findings> {
    compiled::compile_zone(&read(apex, config)?, owners)
}

fn read(apex: &str, config: &ZoneConfig) -> Result<ZoneFile, Findings> {
    // What comes from no file is none of the document's.
    zone::load(apex, config.file().unwrap_or(Path::new("")), config.checks)
}

fn judge(file: &ZoneFile, checks: Checks, depth: Depth) -> Judged {
    if !validate::is_signed(&file.records) {
        return Judged::default();
    }
    let now = unix_time::unix_ms() / 1000;
    let flaws = validate::validate(&Subject { apex: &file.apex, records: &file.records, now, depth, parent: None });
    Judged::of(file, &flaws, |severity| match severity {
        Severity::Bogus => true,
        Severity::Odd => checks == Checks::Strict,
        Severity::Untimely | Severity::Ending => false,
    })
}

/// Zones that are to be signed here, and whose files are signed already.
pub fn signed_twice<'z>(file: &Path, config: &DnsConfig, zones: impl Iterator<Item = &'z Zone>) -> Vec<Finding> {
    let presigned = zones.filter(|zone| zone.is_presigned()).map(|zone| zone::name::to_text(&zone.apex));
    let twice = presigned.filter(|apex| config.zones.get(apex).is_some_and(|zone| zone.dnssec.is_some()));
    let finding = |apex: String| {
        Finding {
        file: file.into(),
        line: None,
        path: format!("zones[\"{apex}\"].dnssec"),
        message: "its file is signed already: give it a file without signatures (RRSIG, NSEC, NSEC3, NSEC3PARAM, DNSKEY), or take this out and it is \
                  served with those that it has"
            .to_owned(),
    }
    };
    twice.map(finding).collect()
}
