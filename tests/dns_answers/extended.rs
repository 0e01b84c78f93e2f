//! Extended errors (RFC 8914): who gets which.

use std::sync::Arc;

use polder::dns::answer::Transport::Udp;
use polder::dns::answer::{Client, answer};
use polder::dns::compiled::Zones;
use polder::dns::snapshot::{PoolAnswer, Snapshot};
use polder::zone::name;
use polder::zone::number::rtype::*;

use crate::ask::{SNAPSHOT, edns_query, query};

/// The response code of the answer, and its extended error.
fn ask(snapshot: &Snapshot, query: &[u8]) -> (u16, Option<u16>) {
    let mut buffer = [0; 1232];
    let answered = answer(query, snapshot, &Client::without_cookies(Udp), 0, &mut buffer).unwrap();
    let bytes = &buffer[..answered.length];
    let option = bytes.windows(4).rposition(|head| head == [0, 15, 0, 2]);
    (answered.rcode, option.map(|at| u16::from_be_bytes([bytes[at + 4], bytes[at + 5]])))
}

fn edns(text: &str, qtype: u16) -> Vec<u8> {
    edns_query(text, qtype, 1232)
}

#[test]
fn a_name_of_nobody_here_is_refused_as_not_authoritative_and_a_transfer_as_prohibited() {
    assert_eq!(ask(&SNAPSHOT, &edns("www.elsewhere.test", A)), (5, Some(20)));
    assert_eq!(ask(&SNAPSHOT, &edns("example.net", 252)), (5, Some(18)));
    assert_eq!(ask(&SNAPSHOT, &edns("web.example.net", A)), (0, None), "nothing is to be said");
    assert_eq!(ask(&SNAPSHOT, &edns("nobody.example.net", A)), (3, None));
    assert_eq!(ask(&SNAPSHOT, &query("www.elsewhere.test", A)), (5, None), "without EDNS there is no place for it");
}

#[test]
fn a_zone_that_has_not_come_is_not_ready_and_one_that_cannot_be_read_is_invalid() {
    let apex = name::from_text("example.org").unwrap();
    let with = |zones: Zones| Snapshot { zones: Arc::new(zones), ..Snapshot::default() };
    let unread = with(Zones::new(Vec::new(), vec![apex.clone()]));
    assert_eq!(ask(&unread, &edns("www.example.org", A)), (2, Some(24)));
    let awaited = with(unread.zones.with(Vec::new(), [&*apex].into_iter()));
    assert_eq!(ask(&awaited, &edns("www.example.org", A)), (2, Some(14)));
}

#[test]
fn addresses_from_before_an_outage_are_stale_by_family() {
    let addresses = ["192.0.2.11".parse().unwrap(), "2001:db8::11".parse().unwrap()];
    let mut pools: Vec<PoolAnswer> = SNAPSHOT.pools.iter().map(|pool| PoolAnswer::new(pool.ttl, &addresses)).collect();
    pools[0].stale = [true, false];
    let zones = Arc::clone(&SNAPSHOT.zones);
    let snapshot = Snapshot { zones, pools: pools.into(), ..Snapshot::default() };
    assert_eq!(ask(&snapshot, &edns("example.net", A)), (0, Some(3)));
    assert_eq!(ask(&snapshot, &edns("example.net", AAAA)), (0, None));
    assert_eq!(ask(&snapshot, &edns("slow.l.example.net", A)), (0, None), "another pool");
}

#[test]
fn an_extended_error_takes_no_room_from_records_and_is_left_out_where_there_is_none() {
    // A set of a pool that fills what the client takes more and more.
    let mut said = [0, 0];
    for count in 20..31 {
        let addresses: Vec<_> = (0..count).map(|n| format!("192.0.2.{n}").parse().unwrap()).collect();
        let mut pools: Vec<PoolAnswer> =
            SNAPSHOT.pools.iter().map(|pool| PoolAnswer::new(pool.ttl, &addresses)).collect();
        pools[0].stale = [true, true];
        let zones = Arc::clone(&SNAPSHOT.zones);
        let snapshot = Snapshot { zones, pools: pools.into(), ..Snapshot::default() };
        for pad in 0..16 {
            let mut buffer = [0; 1232];
            let query = edns_query("example.net", A, 28 + 11 + 16 * count + pad);
            let answered = answer(&query, &snapshot, &Client::without_cookies(Udp), 0, &mut buffer).unwrap();
            if query_size(&query) >= 512 && !answered.truncated {
                assert!(answered.length <= query_size(&query));
                let is_told = buffer[..answered.length].windows(6).any(|option| option == [0, 15, 0, 2, 0, 3]);
                said[usize::from(is_told)] += 1;
            }
        }
    }
    assert!(said[0] > 0 && said[1] > 0, "{said:?}");
}

/// What the client takes.
fn query_size(query: &[u8]) -> usize {
    let at = query.len() - 8;
    u16::from_be_bytes([query[at], query[at + 1]]).into()
}
