//! Sizes: what is cut, what is left out, what is compressed.

use hickory_proto::op::Message;
use polder::dns::answer::Transport::Udp;
use polder::dns::answer::{Client, Transport, answer};
use polder::zone::number::rtype::*;

use crate::ask::{SNAPSHOT, TCP, edns_query, message_text, query, raw, snapshot_of};
use crate::cookies::ask_with_a_good_cookie;

/// Length, TC, and the number of records in each section.
fn shape(query: &[u8]) -> (usize, bool, [usize; 3]) {
    let (answered, bytes) = raw(query, Udp).unwrap();
    let message = Message::from_vec(&bytes).unwrap();
    let counts = [message.answers.len(), message.authorities.len(), message.additionals.len()];
    assert_eq!(answered.truncated, message.metadata.truncation);
    (bytes.len(), message.metadata.truncation, counts)
}

#[test]
fn an_answer_beyond_512_is_cut_without_edns_and_whole_with_it() {
    let (length, cut, counts) = shape(&query("many.example.net", A));
    assert!(length <= 512 && cut, "{length}");
    assert_eq!(counts, [0, 0, 0], "a set is whole or not there");
    let (length, cut, counts) = shape(&edns_query("many.example.net", A, 1232));
    assert!(length > 512 && !cut, "{length}");
    assert_eq!(counts, [40, 0, 0]);
}

#[test]
fn the_clients_size_counts_up_to_ours_and_from_512() {
    assert!(shape(&edns_query("middle.example.net", 16, 512)).1);
    assert!(shape(&edns_query("middle.example.net", 16, 100)).1, "a size below 512 is 512");
    assert!(!shape(&edns_query("mail.example.net", A, 100)).1);
    assert!(!shape(&edns_query("middle.example.net", 16, 700)).1);
    let (length, cut, _) = shape(&edns_query("large.example.net", 16, 4096));
    assert!(cut && length <= 1232, "{length}");
}

#[test]
fn tcp_gives_the_whole() {
    let (answered, bytes) = raw(&query("large.example.net", 16), TCP).unwrap();
    assert!(!answered.truncated && bytes.len() > 1500);
    assert_eq!(Message::from_vec(&bytes).unwrap().answers.len(), 6);
}

#[test]
fn helpers_that_do_not_fit_are_left_out_without_tc() {
    let (answered, bytes) = ask_with_a_good_cookie(edns_query("mxs.example.net", MX, 1232));
    assert!(!answered.truncated && bytes.len() <= 1232, "{answered:?}");
    let message = Message::from_vec(&bytes).unwrap();
    let helpers = message.additionals.len();
    assert_eq!(message.answers.len(), 30);
    assert!(helpers > 0 && helpers < 30, "{helpers}");
}

#[test]
fn a_referral_whose_in_domain_glue_does_not_fit_is_cut() {
    let (length, cut, counts) = shape(&query("www.glued.example.net", A));
    assert!(cut && length <= 512, "{length}");
    assert_eq!(counts[1], 10);
    let (_, cut, counts) = shape(&edns_query("www.glued.example.net", A, 1232));
    assert!(!cut);
    assert_eq!(counts, [0, 10, 20]);
}

#[test]
fn a_referral_whose_sibling_glue_does_not_fit_is_not_cut() {
    let (_, cut, counts) = shape(&query("www.sibling.example.net", A));
    assert!(!cut);
    assert_eq!(counts[1], 10);
    assert!(counts[2] < 20, "{counts:?}");
}

#[test]
fn names_are_compressed() {
    let (_, bytes) = raw(&query("nope.example.net", A), Udp).unwrap();
    let names = bytes.windows(7).filter(|window| *window == b"example").count();
    assert_eq!(names, 1, "{bytes:02x?}");
}

#[test]
fn the_name_in_srv_is_not_compressed() {
    let (_, bytes) = raw(&query("_http._tcp.example.net", SRV), Udp).unwrap();
    let names = bytes.windows(7).filter(|window| *window == b"example").count();
    assert_eq!(names, 2, "{bytes:02x?}");
}

#[test]
fn what_an_earlier_response_left_in_the_buffer_is_never_pointed_to() {
    let mut buffer = [0; 65535];
    for (name, target) in [("same1.example.net", "r.example.net."), ("same2.example.net", "r.r.example.net.")] {
        let answered = answer(&query(name, CNAME), &SNAPSHOT, &Client::without_cookies(TCP), 0, &mut buffer).unwrap();
        let message = Message::from_vec(&buffer[..answered.length]).unwrap();
        assert_eq!(message.answers[0].data.to_string(), target);
    }
}

#[test]
fn names_beyond_the_reach_of_pointers_are_whole() {
    let (answered, bytes) = raw(&query("distant.example.net", MX), TCP).unwrap();
    assert!(!answered.truncated && bytes.len() > 0x8000, "{}", bytes.len());
    let message = Message::from_vec(&bytes).unwrap();
    assert_eq!((message.answers.len(), message.additionals.len()), (400, 400));
    for (n, record) in message.additionals.iter().enumerate() {
        assert_eq!(record.name.to_string(), format!("{}-{n}.distant.example.net.", "x".repeat(50)));
    }
}

#[test]
fn a_chain_that_is_cut_has_the_response_code_of_its_last_name() {
    let long = |letter: &str| [letter.repeat(60), letter.repeat(59)].join(".");
    let text = format!(
        "$TTL 60\n@ SOA ns.example.org. admin.example.org. 1 2 3 4 5\n NS ns.example.org.\n\
         short DNAME {a}.here\n{a}.here DNAME {b}.there\nlong DNAME {a}.{b}.{c}\n*.known A 192.0.2.1\n\
         toknown DNAME {a}.known\n",
        a = long("a"),
        b = long("b"),
        c = "c".repeat(5),
    );
    let snapshot = snapshot_of("z", &text);
    let ask = |name: &str, transport: Transport| {
        let mut buffer = vec![0; 65535];
        let client = Client::without_cookies(transport);
        let answered = answer(&query(name, A), &snapshot, &client, 0, &mut buffer).unwrap();
        message_text(&Message::from_vec(&buffer[..answered.length]).unwrap()).lines().next().unwrap().to_owned()
    };
    let prefix = "x".repeat(50);
    for (name, whole, cut) in [
        (format!("{prefix}.short.z"), "NXDomain aa", "NXDomain aa tc"),
        (format!("{prefix}.{prefix}.long.z"), "YXDomain aa", "YXDomain aa"),
    ] {
        assert_eq!(ask(&name, TCP), whole, "{name}");
        assert_eq!(ask(&name, Transport::Udp), cut, "{name}");
    }
}
