//! Pools of which some members are near to some clients (RFC 7871 where the resolver says for whom it asks).

use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::op::{Message, ResponseCode};
use polder::dns::answer::{Client, Transport, answer};
use polder::dns::cookie::{Issuer, Secrets};
use polder::dns::locality::Locations;
use polder::dns::snapshot::{PoolAnswer, PoolRecords, Snapshot};
use polder::zone::number::rtype::*;

use crate::ask::{SNAPSHOT, edns_query};

const NEAR: &str = "192.0.2.12";

/// Clients of 10.1.0.0/16 are near to one member of the first pool, but for those of 10.1.128.0/24, and so are those of 2001:db8:1::/48.
fn snapshot() -> Snapshot {
    let networks = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    let locations = [
        ("far".to_owned(), networks(&["10.1.128.0/24"])),
        ("near".to_owned(), networks(&["10.1.0.0/16", "2001:db8:1::/48"])),
    ];
    let pools = SNAPSHOT.pools.iter().enumerate().map(|(n, pool)| {
        let addresses = ["192.0.2.11", NEAR, "192.0.2.13"].map(|text| text.parse().unwrap());
        let near: Box<[_]> = [(1, PoolRecords::new(pool.ttl, &[NEAR.parse::<IpAddr>().unwrap()]))].into();
        PoolAnswer { near: if n == 0 { near } else { Box::default() }, ..PoolAnswer::new(pool.ttl, &addresses) }
    });
    let locations = Arc::new(Locations::new(&locations.into()));
    Snapshot { generation: 1, zones: SNAPSHOT.zones.clone(), pools: pools.collect(), locations, ..Snapshot::default() }
}

/// The query with a client subnet option of this data behind its other options.
fn with_subnet(name: &str, data: &[u8]) -> Vec<u8> {
    let mut query = edns_query(name, A, 1232);
    let option = [&[0, 8, 0, data.len() as u8], data].concat();
    let length = query.len();
    query[length - 2..].copy_from_slice(&(option.len() as u16).to_be_bytes());
    query.extend_from_slice(&option);
    query
}

/// What a client at an address gets: the code, how many addresses, the first of them, and the data of the client subnet option.
fn ask(from: &str, query: &[u8]) -> (ResponseCode, Vec<String>, Option<Vec<u8>>) {
    let secrets = Secrets::one([7; 16]);
    let issuer = Issuer { secrets: &secrets, address: from.parse().unwrap(), now: 0 };
    let client = Client { transport: Transport::Udp, issuer: Some(issuer) };
    let mut buffer = [0; 1232];
    let answered = answer(query, &snapshot(), &client, 0, &mut buffer).unwrap();
    let bytes = &buffer[..answered.length];
    let message = Message::from_vec(bytes).unwrap();
    let addresses = message.answers.iter().map(|record| record.data.to_string()).collect();
    // Read by hand: hickory's option does not show the scope.
    let at = bytes.windows(4).rposition(|window| window[..3] == [0, 8, 0] && usize::from(window[3]) <= 20);
    let option = at.filter(|at| at + 4 + usize::from(bytes[at + 3]) == bytes.len());
    (message.metadata.response_code, addresses, option.map(|at| bytes[at + 4..].to_vec()))
}

const NAMES: [&str; 2] = ["http0.l.example.net", "example.net"];

#[test]
fn a_client_who_is_near_to_a_member_gets_its_address_and_any_other_client_gets_all() {
    for name in NAMES {
        let plain = edns_query(name, A, 1232);
        assert_eq!(ask("10.1.2.3", &plain).1, [NEAR], "{name}");
        assert_eq!(ask("2001:db8:1::7", &plain).1, [NEAR], "{name}");
        for elsewhere in ["10.1.128.1", "10.2.0.1", "2001:db8:2::7"] {
            assert_eq!(ask(elsewhere, &plain).1.len(), 3, "{name} {elsewhere}");
        }
        assert_eq!(ask("10.1.2.3", &plain).2, None, "who states no network is told none");
    }
}

#[test]
fn the_network_that_a_resolver_states_counts_and_the_answer_says_for_how_much_of_it_it_is_good() {
    for name in NAMES {
        let stated = |data: &[u8]| ask("203.0.113.1", &with_subnet(name, data));
        assert_eq!(
            stated(&[0, 1, 24, 0, 10, 1, 2]),
            (ResponseCode::NoError, vec![NEAR.into()], Some(vec![0, 1, 24, 17, 10, 1, 2]))
        );
        let (_, addresses, option) = stated(&[0, 1, 24, 0, 10, 1, 128]);
        assert_eq!((addresses.len(), option), (3, Some(vec![0, 1, 24, 24, 10, 1, 128])));
        let (_, addresses, option) = stated(&[0, 1, 8, 0, 11]);
        assert_eq!((addresses.len(), option), (3, Some(vec![0, 1, 8, 8, 11])), "what differs begins behind it");
        assert_eq!(stated(&[0, 2, 56, 0, 0x20, 1, 0x0d, 0xb8, 0, 1, 7]).1, [NEAR]);
    }
}

#[test]
fn a_resolver_that_keeps_its_client_to_itself_is_answered_by_its_own_address() {
    let (_, addresses, option) = ask("10.1.2.3", &with_subnet(NAMES[0], &[0, 1, 0, 0]));
    assert_eq!((addresses, option), (vec![NEAR.to_owned()], Some(vec![0, 1, 0, 0])));
}

#[test]
fn what_is_the_same_for_every_client_is_good_for_all() {
    let (_, _, option) = ask("203.0.113.1", &with_subnet("ns1.example.net", &[0, 1, 24, 0, 10, 1, 2]));
    assert_eq!(option, Some(vec![0, 1, 24, 0, 10, 1, 2]));
}

#[test]
fn what_stands_in_the_additional_section_is_for_clients_everywhere() {
    let mut query = with_subnet("mx-pool.example.net", &[0, 1, 24, 0, 10, 1, 2]);
    let qtype = query.windows(4).position(|window| window == [0, 1, 0, 1]).unwrap();
    query[qtype + 1] = MX as u8;
    let secrets = Secrets::one([7; 16]);
    let issuer = Issuer { secrets: &secrets, address: "10.1.2.3".parse().unwrap(), now: 0 };
    let mut buffer = [0; 65535];
    let client = Client { transport: Transport::Tcp { keepalive: 1 }, issuer: Some(issuer) };
    let answered = answer(&query, &snapshot(), &client, 0, &mut buffer).unwrap();
    let message = Message::from_vec(&buffer[..answered.length]).unwrap();
    assert_eq!(message.additionals.len(), 3, "{message}");
    assert_eq!(buffer[answered.length - 7..answered.length], [0, 1, 24, 0, 10, 1, 2], "and good for all");
}

#[test]
fn a_network_that_breaks_the_rules_is_a_format_error_and_one_of_a_family_that_nobody_knows_is_passed_over() {
    assert_eq!(ask("10.1.2.3", &with_subnet(NAMES[0], &[0, 1, 24, 0, 10, 1])).0, ResponseCode::FormErr);
    assert_eq!(
        ask("10.1.2.3", &with_subnet(NAMES[0], &[0, 9, 8, 0, 10])),
        (ResponseCode::NoError, vec![NEAR.into()], None)
    );
}

#[test]
fn where_no_locations_are_known_a_stated_network_is_passed_over() {
    let mut buffer = [0; 1232];
    let query = with_subnet(NAMES[0], &[0, 1, 24, 0, 10, 1]);
    let client = Client::without_cookies(Transport::Udp);
    let answered = answer(&query, &SNAPSHOT, &client, 0, &mut buffer).unwrap();
    let message = Message::from_vec(&buffer[..answered.length]).unwrap();
    assert_eq!((message.metadata.response_code, message.answers.len()), (ResponseCode::NoError, 3));
    assert!(message.edns.is_some_and(|edns| edns.options().as_ref().is_empty()));
}
