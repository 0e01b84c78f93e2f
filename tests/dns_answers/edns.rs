//! EDNS, and what is not an ordinary query.

use hickory_proto::op::Message;
use polder::dns::answer::Transport::Udp;
use polder::zone::number::rtype::*;

use crate::ask::{TCP, answer_text, edns_query, query, raw};

fn rcode(query: &[u8]) -> u16 {
    raw(query, Udp).expect("a query is answered").0.rcode
}

#[test]
fn our_opt_comes_only_where_one_was_sent_and_says_1232() {
    let (_, plain) = raw(&query("web.example.net", A), Udp).unwrap();
    assert!(Message::from_vec(&plain).unwrap().edns.is_none());
    let (_, bytes) = raw(&edns_query("web.example.net", A, 4096), Udp).unwrap();
    let edns = Message::from_vec(&bytes).unwrap().edns.unwrap();
    assert_eq!((edns.version(), edns.max_payload(), edns.flags().dnssec_ok), (0, 1232, false));
}

#[test]
fn do_is_copied() {
    let mut asked = edns_query("web.example.net", A, 1232);
    let flags = asked.len() - 4;
    asked[flags] = 0x80;
    let (_, bytes) = raw(&asked, Udp).unwrap();
    assert!(Message::from_vec(&bytes).unwrap().edns.unwrap().flags().dnssec_ok);
}

#[test]
fn unknown_flags_and_options_are_passed_over() {
    let mut asked = edns_query("web.example.net", A, 1232);
    let length = asked.len();
    asked[length - 3] = 0x7f;
    asked[length - 1] = 8;
    asked.extend_from_slice(&[0xfd, 0xe9, 0, 4, 1, 2, 3, 4]);
    asked[3] |= 0x40;
    let (answered, bytes) = raw(&asked, Udp).unwrap();
    assert_eq!(answered.rcode, 0);
    assert_eq!(bytes[3] & 0x40, 0, "the Z bit");
    assert_eq!(&bytes[bytes.len() - 4..], [0, 0, 0, 0], "flags and options of our OPT");
}

#[test]
fn another_version_is_badvers() {
    let mut asked = edns_query("web.example.net", A, 1232);
    let version = asked.len() - 5;
    asked[version] = 1;
    let (answered, bytes) = raw(&asked, Udp).unwrap();
    assert_eq!(answered.rcode, 16);
    let message = Message::from_vec(&bytes).unwrap();
    assert_eq!((message.answers.len(), message.edns.unwrap().version()), (0, 0));
}

#[test]
fn a_broken_opt_is_formerr() {
    let good = edns_query("web.example.net", A, 1232);
    let mut two = good.clone();
    two[11] = 2;
    two.extend_from_slice(&good[good.len() - 11..]);
    assert_eq!(rcode(&two), 1, "two OPT records");

    let mut named = query("web.example.net", A);
    named[11] = 1;
    named.extend_from_slice(&[1, b'x', 0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(rcode(&named), 1, "an OPT that is not the root's");

    let mut overlong = good.clone();
    let length = overlong.len();
    overlong[length - 1] = 4;
    overlong.extend_from_slice(&[0, 3, 0, 9]);
    assert_eq!(rcode(&overlong), 1, "an option longer than its record");

    assert_eq!(rcode(&good[..good.len() - 3]), 1, "an OPT cut off");
    let mut in_answer = good.clone();
    (in_answer[11], in_answer[7]) = (0, 1);
    assert_eq!(rcode(&in_answer), 1, "an OPT in the answer section");
}

#[test]
fn one_question_and_no_answers_make_a_query() {
    for (at, count) in [(5, 0), (5, 2), (7, 1), (9, 1)] {
        let mut asked = query("web.example.net", A);
        asked[at] = count;
        assert_eq!(rcode(&asked), 1, "count at {at}: {count}");
    }
    let asked = query("web.example.net", A);
    assert_eq!(rcode(&asked[..asked.len() - 1]), 1, "a question cut off");
    assert_eq!(rcode(&asked[..12]), 1, "a header alone");
}

#[test]
fn a_pointer_in_the_question_is_formerr() {
    let mut asked = query("web.example.net", A);
    asked[12] = 0xc0;
    assert_eq!(rcode(&asked), 1);
}

#[test]
fn other_opcodes_are_not_implemented() {
    for opcode in (1..16).filter(|opcode| *opcode != 0) {
        let mut asked = query("web.example.net", A);
        asked[2] |= opcode << 3;
        let (answered, bytes) = raw(&asked, Udp).unwrap();
        assert_eq!(answered.rcode, 4, "opcode {opcode}");
        assert_eq!((bytes.len(), (bytes[2] >> 3) & 0x0f), (12, opcode));
    }
}

#[test]
fn who_sends_an_opt_gets_one_with_every_error() {
    let good = edns_query("web.example.net", A, 1232);
    let mut update = good.clone();
    update[2] |= 5 << 3;
    let mut no_question = good[..12].to_vec();
    no_question[5] = 0;
    no_question.extend_from_slice(&good[good.len() - 11..]);
    let mut with_answer = good.clone();
    with_answer[7] = 1;
    with_answer.splice(good.len() - 11..good.len() - 11, [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
    for (asked, expected) in [(update, 4), (no_question, 1), (with_answer, 1)] {
        let (answered, bytes) = raw(&asked, Udp).unwrap();
        assert_eq!(answered.rcode, expected);
        assert_eq!((bytes[11], &bytes[bytes.len() - 11..][..5]), (1, &[0, 0, 41, 4, 208][..]), "{bytes:02x?}");
    }
}

#[test]
fn responses_and_runts_are_never_answered() {
    let mut response = query("web.example.net", A);
    response[2] |= 0x80;
    assert!(raw(&response, Udp).is_none());
    for length in 0..12 {
        assert!(raw(&query("web.example.net", A)[..length], Udp).is_none());
    }
}

#[test]
fn other_classes_transfers_and_meta_types_are_refused_or_not_implemented() {
    for class in [2, 3, 4, 254, 255] {
        let mut asked = query("authors.bind", 16);
        let at = asked.len() - 1;
        asked[at] = class;
        assert_eq!(rcode(&asked), 5, "class {class}");
    }
    assert_eq!(rcode(&query("example.net", AXFR)), 5);
    let mut ixfr = query("example.net", IXFR);
    ixfr[9] = 1;
    ixfr.extend_from_slice(&[0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0]);
    ixfr.extend_from_slice(&[0; 20]);
    assert_eq!(rcode(&ixfr), 5);
    assert_eq!(rcode(&query("example.net", TKEY)), 4);
    assert_eq!(rcode(&query("example.net", OPT)), 1);
}

#[test]
fn keepalive_is_answered_over_tcp_only() {
    let mut asked = edns_query("web.example.net", A, 1232);
    let length = asked.len();
    asked[length - 1] = 4;
    asked.extend_from_slice(&[0, 11, 0, 0]);
    let (_, bytes) = raw(&asked, TCP).unwrap();
    assert!(bytes.ends_with(&[0, 6, 0, 11, 0, 2, 0, 100]), "{bytes:02x?}");
    let (_, bytes) = raw(&asked, Udp).unwrap();
    assert!(bytes.ends_with(&[0, 0, 0, 0, 0, 0]), "{bytes:02x?}");
}

#[test]
fn additional_records_that_are_not_known_are_passed_over() {
    let mut asked = query("web.example.net", A);
    asked[11] = 1;
    asked.extend_from_slice(&[0xc0, 12, 0xff, 0xaa, 0, 1, 0, 0, 0, 0, 0, 2, 9, 9]);
    assert!(answer_text(&asked, Udp).starts_with("NoError aa\nan web.example.net. 3600 A"));
}
