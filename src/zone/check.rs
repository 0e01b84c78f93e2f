//! Checks a zone as a whole: what must be there, and what must not stand together.
//!
//! [`tree`] holds the names; [`beside`] looks at what stands at one name or above it; [`pointers`] follows names in
//! record data. Only reports: changes nothing.

mod beside;
mod complaints;
mod pointers;
mod tree;

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::name;
use super::number::rtype::{NS, RRSIG, SOA};
use super::rdata::types;
use super::record::Records;
use super::report::{self, Report};
use complaints::{Complaints, Severity};
use tree::Tree;

/// A DNS message is at most this long; see [`rrsets_fit`].
const LONGEST_MESSAGE: usize = u16::MAX as usize;

/// Reports all that is wrong with the zone as a whole, in the order of the files. When reading has reported
/// something already, nothing is reported as missing. Gives the records below a DNAME, which do not exist (RFC 6672, 2.4).
pub fn check(apex: &[u8], files: &[PathBuf], records: &Records, report: &mut Report) -> BTreeSet<u32> {
    let tree = Tree::new(apex, files, records);
    let mut found = Complaints { complete: report.is_empty(), about: Vec::new() };
    if found.complete
        && let Some(main) = files.first()
    {
        check_apex(&tree, main, report);
    }
    rrsets_fit(&tree, &mut found);
    let redirected = beside::check(&tree, &mut found);
    pointers::check(&tree, &mut found);
    found.about.sort();
    for (index, severity, message) in found.about {
        let record = records.get(index);
        let (file, about) = (&files[usize::from(record.file)], report::about(record.owner, record.rtype));
        match severity {
            Severity::Error => report.add(file, Some(record.line), about, message),
            Severity::Warning => report.warn(file, Some(record.line), about, message),
        }
    }
    redirected
}

fn check_apex(tree: &Tree<'_>, main: &std::path::Path, report: &mut Report) {
    for (rtype, why) in [(SOA, "a zone has exactly one SOA"), (NS, "a zone names its nameservers")] {
        if tree.rrset(tree.apex, rtype).is_empty() {
            let message = format!("no {} at the apex: {why}", types::to_text(rtype));
            report.add(main, None, name::to_absolute_text(tree.apex), message);
        }
    }
}

/// An answer that holds nothing but the RRset and what every answer needs must fit into one message.
fn rrsets_fit(tree: &Tree<'_>, found: &mut Complaints) {
    const HEADER: usize = 12;
    const QUESTION: usize = 4;
    const EDNS: usize = 11;
    /// A compressed owner, type, class, TTL, length.
    const RECORD: usize = 12;
    let rrsets = tree.nodes().flat_map(|node| node.rrsets().map(move |(rtype, set)| (node, rtype, set)));
    // Signatures are answered with what they sign, and not all together.
    for (node, rtype, rrset) in rrsets.filter(|(_, rtype, _)| *rtype != RRSIG) {
        let data: usize = rrset.iter().map(|index| RECORD + tree.records.get(*index).rdata.len()).sum();
        let message = HEADER + node.owner().len() + QUESTION + data + EDNS;
        if message > LONGEST_MESSAGE {
            let [first, ..] = rrset else { continue };
            let (count, rtype) = (rrset.len(), types::to_text(rtype));
            found.add(
                *first,
                format!("{count} {rtype} records make an answer of {message} bytes: at most {LONGEST_MESSAGE}"),
            );
        }
    }
}
