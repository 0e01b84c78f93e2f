//! Entries, as the journal takes them apart, and a journal that comes and goes.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use super::*;
use crate::proxy::traffic::http1::forwarded::Client;
use crate::proxy::traffic::http1::vet::vet;
use crate::proxy::traffic::message::{Request, Scheme};
use crate::proxy::traffic::termination::End;
use crate::proxy::traffic::trace::Trace;

fn entry_of(head: &[u8], end: End, status: u16) -> Vec<u8> {
    let mut fields = Vec::new();
    let vetted = vet(head, Scheme::Http, 100, &mut fields).unwrap();
    let request = Some(Request { head: &vetted, bytes: head, fields: &fields });
    let mut trace = Trace::new(tokio::time::Instant::now());
    (trace.status, trace.end) = (status, end);
    trace.request_id();
    let client = Client::new("192.0.2.7:5000".parse().unwrap());
    let record = Record { client: &client, listener: "http", request, trace: &trace };
    let weight = record.weight(Duration::from_secs(5)).unwrap();
    let mut out = Vec::new();
    entry(&mut out, &record, AskedFields { user_agent: true, referer: false }, weight);
    out
}

/// As the protocol says: a line a field, the name before the first `=`.
fn fields_of(datagram: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8(datagram.to_vec()).unwrap();
    assert!(text.ends_with('\n'), "{text}");
    let fields = text.lines().map(|line| line.split_once('=').unwrap_or_else(|| panic!("{line:?} is no field")));
    let fields: Vec<(String, String)> = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    for (name, _) in &fields {
        assert!(name.bytes().all(|byte| byte == b'_' || byte.is_ascii_uppercase()) && !name.starts_with('_'), "{name}");
    }
    let count = fields.len();
    let fields: BTreeMap<String, String> = fields.into_iter().collect();
    assert_eq!(fields.len(), count, "a field stands twice: {text}");
    fields
}

#[test]
fn an_entry_has_what_happened_in_fields_and_in_a_sentence() {
    let entry = entry_of(b"GET /cart?card=1 HTTP/1.1\r\nHost: www.test\r\nUser-Agent: me\r\n\r\n", End::NoBackend, 503);
    let (length, datagram) = entry.split_first_chunk().unwrap();
    assert_eq!(u32::from_le_bytes(*length) as usize, datagram.len());
    let fields = fields_of(datagram);
    for (name, value) in [
        ("PRIORITY", "4"),
        ("SYSLOG_IDENTIFIER", "polder-proxy"),
        ("CLIENT", "192.0.2.7:5000"),
        ("METHOD", "GET"),
        ("PATH", "/cart"),
        ("USER_AGENT", "me"),
        ("STATUS", "503"),
        ("END", "SC"),
        ("CAUSE", End::NoBackend.cause()),
        ("TIMES", "-1/0/-1/-1/0"),
    ] {
        assert_eq!(fields.get(name).map(String::as_str), Some(value), "{name}: {fields:?}");
    }
    assert_eq!(fields["REQUEST_ID"].len(), 16);
    assert_eq!(fields["MESSAGE"], format!("GET www.test/cart: 503 in 0 ms, SC: {}", End::NoBackend.cause()));
    assert!(!fields.contains_key("REFERER") && !fields.contains_key("SERVICE"), "{fields:?}");
}

#[test]
fn nothing_that_a_visitor_sends_makes_a_field_or_an_entry() {
    let head = b"GET /a HTTP/1.1\r\nHost: www.test\r\nUser-Agent: \xff x\tPRIORITY=0\r\n\r\n";
    let entry = entry_of(head, End::Done, 200);
    let fields = fields_of(&entry[4..]);
    assert_eq!((&*fields["PRIORITY"], &*fields["USER_AGENT"]), ("6", "\\xff x\\x09PRIORITY=0"));
    let mut long = b"GET /".to_vec();
    long.resize(40_000, b'a');
    long.extend_from_slice(b" HTTP/1.1\r\nHost: www.test\r\n\r\n");
    let entry = entry_of(&long, End::Done, 200);
    assert_eq!(fields_of(&entry[4..])["PATH"].len(), LONGEST);
}

#[test]
fn each_entry_is_a_datagram_and_a_journal_that_was_started_anew_gets_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let entry = |text: &[u8]| [&(text.len() as u32).to_le_bytes()[..], text].concat();
    assert!(Journal::connect(&path).is_err(), "there is none");
    let mut journal = Journal::unconnected(&path).unwrap();
    assert!(journal.send(&entry(b"A=0\n")).is_err(), "there is none yet");
    let server = UnixDatagram::bind(&path).unwrap();
    journal.send(&[entry(b"A=1\n"), entry(b"A=2\nB=3\n")].concat()).unwrap();
    let received = |server: &UnixDatagram| {
        let mut buffer = [0; 100];
        let length = server.recv(&mut buffer).unwrap();
        buffer[..length].to_vec()
    };
    assert_eq!([received(&server), received(&server)], [b"A=1\n".to_vec(), b"A=2\nB=3\n".to_vec()]);

    drop(server);
    assert!(journal.send(&entry(b"A=4\n")).is_err(), "nobody is there");
    std::fs::remove_file(&path).unwrap();
    let server = UnixDatagram::bind(&path).unwrap();
    journal.send(&entry(b"A=5\n")).unwrap();
    assert_eq!(received(&server), b"A=5\n");
}

#[test]
fn a_journal_that_takes_nothing_is_given_up_after_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let _server = UnixDatagram::bind(&path).unwrap();
    let mut journal = Journal::connect(&path).unwrap();
    let entry = [&4_u32.to_le_bytes()[..], b"A=1\n"].concat();
    // The socket's queue holds some; nobody reads.
    let refused = (0..100_000).find_map(|_| journal.send(&entry).err()).unwrap();
    assert_eq!(refused.kind(), ErrorKind::TimedOut, "{refused}");
}
