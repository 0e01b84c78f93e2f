//! What no client should send.

use hickory_proto::op::Message;
use polder::dns::answer::Transport::Udp;
use polder::zone::number::rtype::*;

use crate::ask::{TCP, edns_query, query, raw};

const SEED: u64 = 20260102;

/// Whatever is sent, the response is a whole message, an answer to that query, and no larger than it may be.
fn check(sent: &[u8]) {
    for (transport, limit) in [(Udp, 1232), (TCP, 65535)] {
        let answer = raw(sent, transport);
        let answerable = sent.len() >= 12 && sent[2] & 0x80 == 0;
        assert_eq!(answer.is_some(), answerable, "{sent:02x?}");
        let Some((answered, bytes)) = answer else { continue };
        assert!(bytes.len() <= limit && bytes.len() >= 12, "{} bytes for {sent:02x?}", bytes.len());
        assert_eq!(bytes[..2], sent[..2], "the identifier of {sent:02x?}");
        assert_eq!(bytes[2] & 0xf9, 0x80 | (sent[2] & 0x79), "flags of {sent:02x?}");
        if (sent[2] >> 3) & 0x0f == 0 {
            let message = Message::from_vec(&bytes).unwrap_or_else(|error| panic!("{error} for {sent:02x?}"));
            assert_eq!(u16::from(message.metadata.response_code), answered.rcode, "{sent:02x?}");
        }
    }
}

#[test]
fn random_bytes_are_answered_by_the_rules_or_not_at_all() {
    let mut random = fastrand::Rng::with_seed(SEED);
    for _ in 0..20_000 {
        let length = random.usize(0..80);
        let mut sent: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(length).collect();
        if length > 5 && random.bool() {
            // Most of them would fail at the opcode and the counts.
            sent[2] &= 0x81;
            (sent[4], sent[5]) = (0, 1);
        }
        check(&sent);
    }
}

#[test]
fn damaged_queries_are_answered_by_the_rules_or_not_at_all() {
    let names = ["web.example.net", "x.d.example.net", "www.child.example.net", "loop1.example.net", "example.net"];
    let mut random = fastrand::Rng::with_seed(SEED);
    for _ in 0..20_000 {
        let name = names[random.usize(..names.len())];
        let qtype = [A, AAAA, MX, ANY, DS, HTTPS][random.usize(..6)];
        let mut sent = if random.bool() { query(name, qtype) } else { edns_query(name, qtype, random.u16(..)) };
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..sent.len());
            match random.u8(..3) {
                0 => sent[at] = random.u8(..),
                1 => sent[at] ^= 1 << random.u8(..8),
                _ => sent.truncate(at.max(1)),
            }
        }
        check(&sent);
    }
}
