use std::net::UdpSocket;
use std::time::Duration;

use hickory_proto::op::MessageType;
use hickory_proto::rr::rdata::{A, NS, NULL, SOA};
use hickory_proto::rr::{Name, RecordType};

use super::*;

#[test]
fn the_resolvers_of_a_machine_are_those_that_its_file_names_and_at_most_three() {
    let text = "# by hand\nsearch example.net\nnameserver 192.0.2.1\n nameserver 2001:db8::1 # two\noptions edns0\n\
                nameserver fe80::1%eth0\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n";
    let expected = ["192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.2:53"].map(|text| text.parse().unwrap());
    assert_eq!(resolvers_in(text), expected);
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

/// Answers all that comes with what is made of the question, until the test ends.
fn answering(answer: impl Fn(&str, u16, &mut Message) + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let mut message = Message::from_vec(&buffer[..length]).unwrap();
            message.metadata.message_type = MessageType::Response;
            message.metadata.authoritative = true;
            let query = message.queries[0].clone();
            answer(&text(query.name()), query.query_type().into(), &mut message);
            socket.send_to(&message.to_vec().unwrap(), from).unwrap();
        }
    });
    address
}

fn record(owner: &str, data: RData) -> Record {
    Record::from_rdata(name(owner), 3600, data)
}

fn ds_record(owner: &str, tag: u16) -> Record {
    let data = [&tag.to_be_bytes()[..], &[13, 2], &[0xab; 32]].concat();
    record(owner, RData::Unknown { code: RecordType::DS, rdata: NULL::with(data) })
}

fn soa(owner: &str) -> Record {
    record(owner, RData::SOA(SOA::new(name("ns."), name("admin."), 1, 2, 3, 4, 5)))
}

#[test]
fn the_zone_above_is_the_next_name_with_an_soa_of_its_own_and_its_nameservers_are_asked_by_their_addresses() {
    let resolver = answering(|owner, rtype, message| match (owner, rtype) {
        // `b.example` is a name within `example`.
        ("b.example", rtype::SOA) => message.authorities.push(soa("example.")),
        ("example", rtype::SOA) => message.answers.push(soa("example.")),
        ("example", rtype::NS) => message.answers.push(record("example.", RData::NS(NS(name("NS.example."))))),
        ("ns.example", rtype::A) => message.answers.push(record("ns.example.", RData::A(A::new(127, 0, 0, 1)))),
        _ => {}
    });
    let resolver = Resolver { resolvers: vec![resolver], ends: Instant::now() + LIMIT };
    assert_eq!(resolver.parent_of("a.b.example").unwrap(), "example");
    assert_eq!(resolver.parent_of("example").unwrap(), ".");
    assert_eq!(resolver.nameservers_of("example").unwrap(), BTreeSet::from(["ns.example".to_owned()]));
    assert!(resolver.nameservers_of("nobody.example").unwrap_err().to_string().contains("no NS records"));
}

#[test]
fn named_nameservers_are_asked_each_by_itself_and_who_has_no_authority_tells_nothing() {
    let sound = answering(|owner, rtype, message| {
        assert_eq!((owner, rtype), ("a.example", rtype::DS));
        message.answers.extend([ds_record("a.example.", 7), ds_record("a.example.", 9)]);
    });
    let cache = answering(|_, _, message| {
        message.metadata.authoritative = false;
        message.answers.push(ds_record("a.example.", 7));
    });
    let of_zone = answering(|_, _, message| message.authorities.push(soa("a.example.")));
    let none = answering(|_, _, message| message.authorities.push(soa("example.")));
    let refuses = answering(|_, _, message| message.metadata.response_code = ResponseCode::Refused);
    let servers = vec![sound, cache, of_zone, none, refuses];
    let parent = ask(&ParentArgs { servers, resolvers: Vec::new() }, "a.example").unwrap();
    let sets: Vec<_> =
        parent.sets().map(|(_, set)| (set.ds.iter().map(|ds| ds.tag).collect::<Vec<_>>(), set.ttl)).collect();
    assert_eq!(sets, [(vec![7, 9], Some(3600)), (vec![], None)]);
    let silent: Vec<&str> = parent.silent().map(|(_, why)| why).collect();
    assert!(silent[0].contains("without authority") && silent[1].contains("of the zone itself"), "{silent:?}");
    assert!(silent[2].contains("it answers"), "{silent:?}");
}

#[test]
fn whoever_does_not_answer_is_not_waited_for_beyond_the_limit() {
    let quiet = UdpSocket::bind("127.0.0.1:0").unwrap();
    let resolvers = vec![quiet.local_addr().unwrap(); 3];
    let ends = Instant::now() + Duration::from_millis(50);
    let error = Resolver { resolvers, ends }.parent_of("a.b.c.d.example").unwrap_err();
    assert!(error.to_string().contains("no resolver tells of b.c.d.example"), "{error}");
    // One question, asked twice, and none after it.
    assert!(Instant::now() < ends + Duration::from_secs(30));
}
