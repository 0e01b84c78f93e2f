//! What the server says of itself, and of signatures that it cannot verify.

use hickory_proto::op::{Message, ResponseCode};
use polder::dns::answer::Transport::Udp;
use polder::dns::answer::{Client, answer};
use polder::dns::snapshot::Snapshot;
use polder::zone::number::rtype::{A, TXT};

use crate::ask::{answer_text, edns_query, query, raw, wire};

const CHAOS: u16 = 3;

fn chaos(name: &str, qtype: u16) -> Vec<u8> {
    let mut query = query(name, qtype);
    let class = query.len() - 2;
    query[class..].copy_from_slice(&CHAOS.to_be_bytes());
    query
}

/// An EDNS query with an option.
fn with_option(name: &str, option: &[u8]) -> Vec<u8> {
    let mut query = edns_query(name, A, 1232);
    let length = query.len() - 2;
    query[length..].copy_from_slice(&(option.len() as u16).to_be_bytes());
    query.extend_from_slice(option);
    query
}

/// A TSIG of the key `key.` with a MAC of 32 bytes.
fn tsig() -> Vec<u8> {
    let data = [
        &wire("hmac-sha256.")[..],
        &[0, 0, 0x68, 1, 2, 3, 1, 44],
        &32_u16.to_be_bytes(),
        &[7; 32],
        &[0x12, 0x34, 0, 0, 0, 0],
    ]
    .concat();
    [&wire("key.")[..], &[0, 250, 0, 255, 0, 0, 0, 0], &(data.len() as u16).to_be_bytes(), &data].concat()
}

fn count(query: &mut [u8], additional: u8) {
    query[11] = additional;
}

#[test]
fn the_names_of_server_and_version_are_answered_in_class_chaos() {
    for (name, text) in [
        ("id.server", "ns-test"),
        ("HOSTNAME.bind", "ns-test"),
        ("version.server", "polder"),
        ("version.bind", "polder"),
    ] {
        let (answered, bytes) = raw(&chaos(name, TXT), Udp).unwrap();
        assert_eq!(answered.rcode, 0, "{name}");
        let end =
            [&[0xc0, 12, 0, 16, 0, 3, 0, 0, 0, 0, 0, text.len() as u8 + 1, text.len() as u8][..], text.as_bytes()];
        assert!(bytes.ends_with(&end.concat()), "{name}: {bytes:02x?}");
        assert_eq!(bytes[2] & 0x04, 0x04, "AA");
    }
    assert!(answer_text(&chaos("authors.bind", TXT), Udp).starts_with("Refused"));
    assert!(answer_text(&chaos("id.server", A), Udp).starts_with("Refused"));
    assert!(answer_text(&query("id.server", TXT), Udp).starts_with("Refused"), "in class IN it is a name as any other");
}

#[test]
fn a_server_that_is_told_to_say_nothing_refuses_and_passes_over_nsid() {
    let silent = Snapshot::default();
    let mut buffer = [0; 1232];
    let client = Client::without_cookies(Udp);
    let answered = answer(&chaos("version.bind", TXT), &silent, &client, 0, &mut buffer).unwrap();
    assert_eq!((answered.rcode, answered.length), (5, 12 + 14 + 4));
    let answered = answer(&with_option("www.example.net", &[0, 3, 0, 0]), &silent, &client, 0, &mut buffer).unwrap();
    assert!(!buffer[..answered.length].windows(4).any(|bytes| bytes == [0, 3, 0, 7]));
}

#[test]
fn nsid_comes_to_those_that_ask_for_it() {
    let option = [&[0, 3, 0, 7][..], b"ns-test"].concat();
    let (_, asked) = raw(&with_option("web.example.net", &[0, 3, 0, 0]), Udp).unwrap();
    assert!(asked.ends_with(&option), "{asked:02x?}");
    Message::from_vec(&asked).unwrap();
    let (_, not_asked) = raw(&edns_query("web.example.net", A, 1232), Udp).unwrap();
    assert!(!not_asked.ends_with(&option));
}

#[test]
fn a_signature_of_an_unknown_key_is_notauth_with_badkey() {
    for mut query in [query("web.example.net", A), edns_query("web.example.net", A, 1232)] {
        let opts = query[11];
        count(&mut query, opts + 1);
        query.extend(tsig());
        let (answered, bytes) = raw(&query, Udp).unwrap();
        assert_eq!(answered.rcode, 9);
        let message = Message::from_vec(&bytes).unwrap();
        assert_eq!(message.metadata.response_code, ResponseCode::NotAuth);
        assert!(message.answers.is_empty());
        assert_eq!(bytes[11], opts + 1, "the OPT, where there was one, and the TSIG");
        // No MAC, the query's identifier, BADKEY, nothing else.
        assert!(bytes.ends_with(&[0, 0, 0x12, 0x34, 0, 17, 0, 0]), "{bytes:02x?}");
    }
}

#[test]
fn a_signature_that_is_not_the_last_record_or_not_the_only_one_is_formerr() {
    let opt = &edns_query(".", A, 1232)[12 + 5..];
    for (additional, records) in
        [(2, [&tsig()[..], opt].concat()), (2, [tsig(), tsig()].concat()), (1, tsig()[..40].to_vec())]
    {
        let mut query = query("web.example.net", A);
        count(&mut query, additional);
        query.extend(records);
        let (answered, _) = raw(&query, Udp).unwrap();
        assert_eq!(answered.rcode, 1);
    }
}
