use super::*;
use crate::zone::serial;

const ID: [u8; 2] = [0x12, 0x34];
const APEX: &[u8] = b"\x07example\x03net\x00";

fn soa(serial: u32) -> (Vec<u8>, u16, Vec<u8>) {
    (APEX.to_vec(), 6, [&b"\x02ns\xc0\x0c\xc0\x0c"[..], &serial.to_be_bytes(), &[0; 16]].concat())
}

fn a(label: &str, last: u8) -> (Vec<u8>, u16, Vec<u8>) {
    let owner = [&[label.len() as u8][..], label.as_bytes(), &[0xc0, 12]].concat();
    (owner, 1, vec![192, 0, 2, last])
}

/// A message with its question, in which names may point to it.
fn message(records: &[(Vec<u8>, u16, Vec<u8>)]) -> Vec<u8> {
    let mut message =
        [&ID[..], &[0x84, 0, 0, 1], &(records.len() as u16).to_be_bytes(), &[0; 4], APEX, &[0, 252, 0, 1]].concat();
    for (owner, rtype, rdata) in records {
        message.extend_from_slice(owner);
        message.extend_from_slice(&[&rtype.to_be_bytes()[..], &[0, 1, 0, 0, 1, 44]].concat());
        message.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
        message.extend_from_slice(rdata);
    }
    message
}

fn taken(held: Option<u32>, messages: &[Vec<u8>]) -> Result<Option<Brought>, Unusable> {
    let mut incoming = Incoming::new(APEX, ID, held);
    messages.iter().try_for_each(|message| incoming.take(message))?;
    Ok(incoming.brought())
}

/// Owner and last byte of each record.
fn brief(records: &[u8]) -> Vec<String> {
    super::super::made::each(records)
        .map(|record| match serial::of_soa(record.rdata).filter(|_| record.rtype == 6) {
            Some(serial) => serial.to_string(),
            None => format!("{} {}", name::to_text(record.owner), record.rdata.last().unwrap()),
        })
        .collect()
}

#[test]
fn a_whole_zone_is_what_stands_between_the_soa_and_the_soa_in_as_many_messages_as_it_takes() {
    for held in [None, Some(1)] {
        let messages = [message(&[soa(5)]), message(&[a("a", 1), a("b", 2)]), message(&[soa(5)])];
        let Ok(Some(Brought::Whole(records))) = taken(held, &messages) else { panic!("{held:?}") };
        assert_eq!(brief(&records), ["5", "a.example.net 1", "b.example.net 2"]);
    }
    assert!(taken(None, &[message(&[soa(5), a("a", 1)])]).unwrap().is_none(), "it has no end yet");
}

#[test]
fn differences_are_told_from_a_whole_zone_by_the_second_record() {
    let steps = [soa(9), soa(5), a("a", 1), soa(7), a("b", 2), soa(7), soa(9), a("c", 3), soa(9)];
    let Ok(Some(Brought::Differences(steps))) = taken(Some(5), &[message(&steps)]) else { panic!("differences") };
    let all: Vec<_> = steps.iter().map(|step| (brief(&step.removed), brief(&step.added))).collect();
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        all,
        [
            (owned(&["5", "a.example.net 1"]), owned(&["7", "b.example.net 2"])),
            (owned(&["7"]), owned(&["9", "c.example.net 3"])),
        ]
    );
}

#[test]
fn a_soa_alone_that_is_not_newer_is_all_there_is() {
    for serial in [5, 4] {
        assert!(
            matches!(taken(Some(5), &[message(&[soa(serial)])]), Ok(Some(Brought::Nothing(found))) if found == serial)
        );
    }
    assert!(taken(Some(5), &[message(&[soa(6)])]).unwrap().is_none(), "more has to come");
}

#[test]
fn what_is_of_another_zone_out_of_order_or_no_answer_is_not_taken() {
    let outside = (b"\x03www\x07example\x03com\x00".to_vec(), 1, vec![1, 2, 3, 4]);
    let below = (b"\x01a\xc0\x0c".to_vec(), 6, soa(1).2);
    for (held, records, expected) in [
        (None, vec![soa(5), outside], "it sends a record of www.example.com"),
        (None, vec![soa(5), below], "it sends a record of a.example.net"),
        (None, vec![a("a", 1)], "the SOA must be the first"),
        (None, vec![soa(5), a("a", 1), soa(6)], "another SOA"),
        (None, vec![soa(5), soa(5), a("a", 1)], "behind the last one"),
        (Some(5), vec![soa(9), soa(5), soa(7), soa(6)], "where the one before has led"),
        (None, vec![soa(5), (b"\xc0\x0c".to_vec(), 2, vec![0xc0, 0xff])], "record 2 of its answer is malformed"),
        (None, vec![soa(5), (b"\xc0\x0c".to_vec(), 2, vec![0, 0])].into_iter().take(1).collect(), ""),
    ] {
        match taken(held, &[message(&records)]) {
            Err(why) => assert!(why.to_string().contains(expected), "{expected}: {why}"),
            Ok(_) => assert_eq!(expected, "", "{records:?}"),
        }
    }
    let refused = {
        let mut message = message(&[]);
        message[3] = 5;
        message
    };
    assert_eq!(taken(None, &[refused]).unwrap_err(), Unusable::Rcode(5));
    let other = {
        let mut message = message(&[soa(1)]);
        message[0] ^= 1;
        message
    };
    assert_eq!(taken(None, &[other]).unwrap_err(), Unusable::Strange);
}

#[test]
fn whatever_comes_nothing_panics() {
    let whole = message(&[
        soa(9),
        soa(5),
        a("a", 1),
        soa(9),
        a("b", 2),
        (b"\xc0\x0c".to_vec(), 35, b"\0\0\0\0\x01a\x01b\x01c\xc0\x0c".to_vec()),
        soa(9),
    ]);
    for seed in 0..20_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut damaged = whole.clone();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(2..damaged.len());
            damaged[at] = random.u8(..);
        }
        damaged.truncate(random.usize(..=damaged.len()));
        let _ = taken([None, Some(5)][random.usize(..2)], &[damaged.clone(), damaged]);
    }
}
