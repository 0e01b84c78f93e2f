//! Two nameservers with the same keys sign alike: a resolver may have one set from the one, and its neighbour from the other. And what BIND makes of a zone
//! is what is made of it here.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use hickory_proto::op::Message;
use hickory_proto::rr::Record;
use hickory_proto::serialize::binary::BinEncodable;

use crate::ask::{exchange, query};
use crate::keys::SIGNINGS;
use crate::lab::Lab;
use crate::whole_zone;
use crate::zone::QUESTIONS;

/// The records of a response, byte for byte; the addresses of a pool come in another order each time.
fn records(server: SocketAddr, name: &str, rtype: &str) -> [BTreeSet<Vec<u8>>; 3] {
    let message = Message::from_vec(&exchange(server, &query(name, rtype, false)).unwrap()).unwrap();
    let bytes = |records: &[Record]| records.iter().map(|record| record.to_bytes().unwrap()).collect();
    [bytes(&message.answers), bytes(&message.authorities), bytes(&message.additionals)]
}

#[test]
#[ignore = "needs BIND and NSD: see CONTRIBUTING.md"]
fn two_nameservers_with_the_same_keys_give_the_same_answers_byte_for_byte() {
    for signing in SIGNINGS {
        let lab = Lab::of_polder(signing);
        let (_running, other) = lab.another_polder_dns(signing);
        let (mut signatures, mut differ) = (0, Vec::new());
        for question in QUESTIONS {
            let (ours, theirs) = (
                records(lab.parent(), &question.name(), question.rtype),
                records(other, &question.name(), question.rtype),
            );
            signatures += ours.iter().flatten().filter(|record| is_signature(record)).count();
            if ours != theirs {
                differ.push(format!("{question:?}:\n{ours:02x?}\n{theirs:02x?}"));
            }
        }
        assert!(differ.is_empty(), "{signing:?}: {}", differ.join("\n\n"));
        assert!(signatures > QUESTIONS.len(), "{signing:?}: {signatures} signatures");
    }
}

/// The records of the zone, but what is here and not there: the types for the zone above (RFC 7344), and the shorter TTL of what denies something of a pool.
fn comparable(server: SocketAddr) -> BTreeSet<String> {
    let is_for_parent = |line: &str| {
        let begins = |rtype| [" in ", " in rrsig "].iter().any(|front| line.contains(&format!("{front}{rtype} ")));
        begins("cds") || begins("cdnskey")
    };
    let of_denial = |line: String| {
        let mut words: Vec<&str> = line.split(' ').collect();
        let (is_denial, is_signature) =
            (words[3].starts_with("nsec"), words[3] == "rrsig" && words[4].starts_with("nsec"));
        if is_denial || is_signature {
            words[1] = "5";
        }
        if is_signature {
            words[7] = "5";
        }
        words.retain(|word| !is_denial || !["cds", "cdnskey"].contains(word));
        words.join(" ")
    };
    whole_zone::records(server).into_iter().filter(|line| !is_for_parent(line)).map(of_denial).collect()
}

#[test]
#[ignore = "needs BIND and NSD: see CONTRIBUTING.md"]
fn a_zone_that_is_signed_here_has_the_records_that_bind_makes_of_it() {
    for signing in SIGNINGS {
        let lab = Lab::of_polder(signing);
        let (_running, server) = lab.the_same_by_bind(signing);
        let (ours, theirs) = (comparable(lab.parent()), comparable(server));
        let [only_ours, only_theirs] =
            [ours.difference(&theirs), theirs.difference(&ours)].map(|only| only.collect::<Vec<_>>());
        assert!(
            only_ours.is_empty() && only_theirs.is_empty(),
            "{signing:?}: only ours: {only_ours:#?}\nonly theirs: {only_theirs:#?}"
        );
    }
}

/// Of an uncompressed record.
fn is_signature(record: &[u8]) -> bool {
    let mut at = 0;
    while record[at] != 0 {
        at += 1 + usize::from(record[at]);
    }
    record[at + 1..at + 3] == 46u16.to_be_bytes()
}
