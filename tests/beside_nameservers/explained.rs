//! The differences that are meant, with their reasons: docs/differences.md is the same table for people, and a test holds the two together.

use std::collections::BTreeSet;

use crate::compare::{Aspect, Case};
use crate::replies::Message;

const ANY: u16 = 255;
const DS: u16 = 43;

/// The opcode NOTIFY.
const NOTIFY: u16 = 4;

const NS: &str = " type 2 ";
const CNAME: &str = " type 5 ";

/// CNAMEs that polder-dns follows for one query.
const CHAIN: usize = 8;

pub struct Row {
    /// As docs/differences.md has it.
    pub name: &'static str,
    pub aspects: &'static [Aspect],
    pub holds: fn(&Case<'_>, &Message) -> bool,
    /// Who says so, as docs/differences.md has it.
    pub source: &'static str,
}

pub const ROWS: [Row; 14] = [
    Row {
        name: "A transfer (AXFR, IXFR) that is not allowed",
        aspects: &[Aspect::Answer, Aspect::Authority],
        holds: |case, polder| matches!(case.ask.qtype, 251 | 252) && polder.rcode == 5,
        source: "RFC 5936, 2.2.1",
    },
    Row {
        name: "Types that ask for no record (249 to 254, but for transfers)",
        aspects: &[Aspect::Answer, Aspect::Authority],
        holds: |case, polder| matches!(case.ask.qtype, 249 | 250 | 253 | 254) && polder.rcode == 4,
        source: "RFC 1035, 4.1.1",
    },
    Row {
        name: "The type OPT",
        aspects: &[Aspect::Answer],
        holds: |case, polder| case.ask.qtype == 41 && polder.rcode == 1,
        source: "RFC 6891, 6.1.1",
    },
    Row {
        name: "A NOTIFY from whom the zone does not come",
        aspects: &[Aspect::Answer, Aspect::Header],
        holds: |case, polder| case.ask.opcode == NOTIFY && polder.rcode == 5,
        source: "RFC 1996, 3.10",
    },
    Row {
        name: "Any opcode but QUERY and NOTIFY",
        aspects: &[Aspect::Answer, Aspect::Header],
        holds: |case, polder| case.ask.opcode != 0 && polder.rcode == 4 && polder.question.is_empty(),
        source: "RFC 1035, 4.1.1",
    },
    Row {
        name: "The class ANY",
        aspects: &[Aspect::Answer, Aspect::Authority],
        holds: |case, polder| case.ask.qclass == ANY && polder.rcode == 5,
        source: "RFC 1035, 4.1.1",
    },
    Row {
        name: "The type ANY",
        aspects: &[Aspect::Answer],
        holds: |case, polder| case.ask.qtype == ANY && types_at_the_end(polder).len() == 1,
        source: "RFC 8482, 4.1",
    },
    Row {
        name: "A chain of CNAMEs and DNAMEs that returns to a name, or has more than eight links",
        aspects: &[Aspect::Answer, Aspect::Authority],
        holds: |case, polder| {
            polder.rcode == 0 && polder.authoritative() && is_endless(&case.ask.name.lower().to_string(), polder)
        },
        source: "RFC 1034, 3.6.2",
    },
    Row {
        name: "A chain of CNAMEs and DNAMEs that returns to a name, or has more than eight links",
        aspects: &[Aspect::Truncation],
        // Its last links may be those that did not fit.
        holds: |case, polder| polder.truncated() && chain(&case.ask.name.lower().to_string(), polder).len() > CHAIN / 2,
        source: "RFC 1034, 3.6.2",
    },
    Row {
        name: "A chain that leads into another of our zones",
        aspects: &[Aspect::Answer, Aspect::Authority],
        holds: |case, polder| leads_elsewhere(case, polder),
        source: "RFC 6604, 3",
    },
    Row {
        name: "RRSIG, NSEC or NSEC3 at an alias",
        aspects: &[Aspect::Answer, Aspect::Authority],
        holds: |case, polder| {
            matches!(case.ask.qtype, 46 | 47 | 50) && polder.answers.iter().any(|record| record.contains(CNAME))
        },
        source: "RFC 1034, 3.6.2",
    },
    Row {
        name: "A nameserver whose address only a wildcard would give",
        aspects: &[Aspect::Glue],
        holds: |case, polder| {
            let more = |peer: &Message| {
                peer.additionals.difference(&polder.additionals).all(|record| case.is_synthesized(record))
            };
            case.peers().any(|peer| polder.additionals.is_subset(&peer.additionals) && more(peer))
        },
        source: "RFC 1034, 4.3.3",
    },
    Row {
        name: "Addresses in the delegating zone's file for a name that lies in another of our zones",
        aspects: &[Aspect::Glue],
        holds: |case, polder| {
            let more = |peer: &Message| {
                polder.additionals.difference(&peer.additionals).all(|record| case.is_below_another_apex(record))
            };
            case.peers().any(|peer| peer.additionals.is_subset(&polder.additionals) && more(peer))
        },
        source: "RFC 9471, 3.2",
    },
    Row {
        name: "In-domain glue that does not fit, at the end of a chain too",
        aspects: &[Aspect::Truncation],
        holds: |_, polder| polder.truncated() && polder.authorities.iter().any(|record| record.contains(NS)),
        source: "RFC 9471, 3.1",
    },
];

/// The row that explains why polder is alone in this aspect.
pub fn explain(case: &Case<'_>, aspect: Aspect) -> Option<&'static Row> {
    let polder = case.polder()?;
    ROWS.iter().find(|row| row.aspects.contains(&aspect) && (row.holds)(case, polder))
}

/// The types of the answer section, without what leads to its last name.
fn types_at_the_end(message: &Message) -> BTreeSet<&str> {
    let types = message.answers.iter().filter_map(|record| record.split(' ').nth(5));
    let types: BTreeSet<&str> = types.collect();
    let others: BTreeSet<&str> = types.iter().copied().filter(|rtype| !matches!(*rtype, "5" | "39")).collect();
    if others.is_empty() { types.into_iter().take(1).collect() } else { others }
}

/// Whether the CNAMEs of the answer lead from this name back to one of theirs, or as far as polder follows any.
fn is_endless(name: &str, message: &Message) -> bool {
    let seen = chain(name, message);
    seen.len() > CHAIN || target_of(&seen[seen.len() - 1], message).is_some()
}

/// Whether the last name of the chain is answered from another zone than the first; DS from the zone above.
fn leads_elsewhere(case: &Case<'_>, message: &Message) -> bool {
    let names = chain(&case.ask.name.lower().to_string(), message);
    let last = &names[names.len() - 1];
    let at_apex = case.ask.qtype == DS && case.zone_of(last) == Some(last.as_str());
    names.len() > 1 && (case.zone_of(&names[0]) != case.zone_of(last) || at_apex)
}

/// The name and those that CNAMEs lead to, each once.
fn chain(name: &str, message: &Message) -> Vec<String> {
    let mut seen = vec![name.to_owned()];
    while let Some(target) = target_of(&seen[seen.len() - 1], message).filter(|target| !seen.contains(target)) {
        seen.push(target);
    }
    seen
}

fn target_of(name: &str, message: &Message) -> Option<String> {
    let record =
        message.answers.iter().find(|record| record.starts_with(&format!("{name} ")) && record.contains(CNAME))?;
    Some(record.trim_end().rsplit(' ').next()?.to_owned())
}

#[test]
fn every_difference_stands_in_docs_with_its_source() {
    let text = include_str!("../../docs/differences.md");
    for row in ROWS {
        let told = text.lines().find(|line| line.starts_with(&format!("| {} |", row.name)));
        let told = told.unwrap_or_else(|| panic!("docs/differences.md has no row \"{}\"", row.name));
        assert!(told.contains(row.source), "docs/differences.md gives another source than {} for: {told}", row.source);
    }
}
