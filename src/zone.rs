//! Zones from RFC 1035 master files: `$ORIGIN`, `$TTL`, `$INCLUDE`, `@`, relative names, parentheses, TYPEnnn.
//!
//! [`load`] gives plain records in wire format, or every finding with file and line. What a zone must hold to be a
//! zone (one SOA at the apex, NS, CNAME alone, glue, …) is checked here too. `docs/zones.md` tells operators the same.
//!
//! A text passes through these steps, one module each:
//!
//! 1. `lexer`: bytes to entries, which are tokens with their lines; `words` takes the tokens of one entry one by one
//! 2. `reader`: entries and directives to records; owners, TTLs, classes, included files; `generate` repeats an entry
//! 3. `rdata`: record data to wire format, by a table from types to fields; `name`, `ttl` and `escape` read what those
//!    fields and the reader share
//! 4. `record` keeps the records, sorted by name; `rrsets`: equal records and differing TTLs
//! 5. `check`: what must be there, and what must not stand together; `report` collects what all steps find
//!
//! The way back is short: `text` writes records as lines, and `diff` says in which two zones differ.
//!
//! The table knows A, AAAA, AFSDB, AMTRELAY, APL, AVC, CAA, CDNSKEY, CDS, CERT, CNAME, CSYNC, DHCID, DLV, DNAME, DNSKEY, DS, EID,
//! EUI48, EUI64, GPOS, HINFO, HIP, HTTPS, IPSECKEY, ISDN, KX, L32, L64, LOC, LP, MB, MG, MINFO, MR, MX, NAPTR, NID, NIMLOC,
//! NINFO, NS, NSAP, NSAP-PTR, NSEC, NSEC3, NSEC3PARAM, OPENPGPKEY, PTR, PX, RESINFO, RKEY, RP, RRSIG, RT, SMIMEA, SOA, SPF, SRV, SSHFP, SVCB, TA, TALINK, TLSA,
//! TXT, URI, WALLET, WKS, X25 and ZONEMD. Every other type may be written as TYPEnnn with its data as `\# LENGTH HEX` (RFC 3597),
//! except those of messages. A zone may come signed: its signatures and what denies are records like others (`dnssec::validate` looks at them).
//!
//! An *error* is what cannot be served, or would be answered in two ways; a *warning* is what can be served but is hardly meant, or is
//! never answered. `checks: strict` makes errors of warnings.
//!
//! Written by hand because the parsers of the libraries stop at the first error and say nothing of likely slips (a missing final
//! dot): an operator gets every finding of a zone at once, with file and line.
//!
//! Reads files and nothing else; knows nothing of pools, serials that were served before, or answers. Called by the
//! daemon at start, reload and `--check-config`, and by the operator's command.

use std::path::Path;

use crate::config::dns::Checks;
use crate::config::{Finding, Findings};

mod check;
pub mod diff;
mod escape;
pub mod fault;
mod folder;
mod generate;
mod lexer;
pub mod name;
pub mod name_index;
pub mod number;
pub mod rdata;
mod reader;
mod record;
mod report;
mod rrsets;
pub mod serial;
#[cfg(test)]
mod tests;
pub mod text;
mod ttl;
mod words;

pub use folder::Fingerprint;
pub use record::{Records, TooMuch, ZoneFile, ZoneRecord};

/// Reads a zone. `apex` in text, with or without the final dot.
///
/// # Errors
///
/// Every finding (the first hundred), those of reading before those of the zone as a whole. When a record could not
/// be read, nothing is reported as missing, because it may stand in that record.
pub fn load(apex: &str, file: &Path, checks: Checks) -> Result<ZoneFile, Findings> {
    whole(apex, file, |apex| reader::read(apex, file, checks))
}

/// The same from text, `file` standing in the findings. It can include nothing: there are no files beside it.
///
/// # Errors
///
/// As [`load`].
pub fn parse(apex: &str, file: &Path, text: impl AsRef<[u8]>, checks: Checks) -> Result<ZoneFile, Findings> {
    whole(apex, file, |apex| reader::read_text(apex, file, text.as_ref(), checks))
}

fn whole(apex: &str, file: &Path, read: impl FnOnce(&[u8]) -> reader::Reading) -> Result<ZoneFile, Findings> {
    let apex = match name::parse(apex.as_bytes(), name::ROOT) {
        Ok(apex) => name::lower(&apex),
        Err(fault) => return Err(bad_apex(file, &fault)),
    };
    let reader::Reading { files, mut records, mut report, fingerprint } = read(&apex);
    records.sort();
    rrsets::tidy(&mut records);
    let redirected = check::check(&apex, &files, &records, &mut report);
    let warnings = report.into_warnings()?;
    records.remove(&redirected);
    Ok(ZoneFile { apex, records, files, warnings, fingerprint })
}

fn bad_apex(file: &Path, fault: &fault::Fault) -> Findings {
    let message = format!("the zone's name: {fault}");
    Findings(vec![Finding { file: file.to_owned(), line: None, path: String::new(), message }])
}
