use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

const SECRET: [u8; 32] = [7; 32];
const OTHER: [u8; 32] = [8; 32];

fn keys(secrets: &[[u8; 32]], period: u64) -> Keys {
    let salt = Salt::new(HKDF_SHA256, LABEL);
    let secrets: Vec<Prk> = secrets.iter().map(|secret| salt.extract(secret)).collect();
    Keys::derive(&secrets, period)
}

fn seal(secrets: &[[u8; 32]], period: u64) -> Vec<u8> {
    keys(secrets, period).seal(b"a session", [3; NONCE_LEN]).unwrap()
}

fn opens(secrets: &[[u8; 32]], period: u64, ticket: &[u8]) -> bool {
    keys(secrets, period).open(ticket).inspect(|plain| assert_eq!(plain, b"a session")).is_some()
}

#[test]
fn a_ticket_is_opened_in_its_period_and_the_next_and_by_a_clock_that_is_one_behind() {
    let ticket = seal(&[SECRET], 61_000);
    assert!(!ticket.windows(9).any(|window| window == b"a session"));
    let opened: Vec<u64> = (60_997..61_004).filter(|period| opens(&[SECRET], *period, &ticket)).collect();
    assert_eq!(opened, [60_999, 61_000, 61_001]);
}

#[test]
fn while_keys_are_rotated_the_first_seals_and_all_open() {
    let (old, new) = (seal(&[SECRET, OTHER], 5), seal(&[OTHER, SECRET], 5));
    assert!(opens(&[SECRET], 5, &old) && !opens(&[OTHER], 5, &old));
    assert!(opens(&[OTHER], 5, &new) && !opens(&[SECRET], 5, &new));
    for file in [[SECRET, OTHER], [OTHER, SECRET]] {
        assert!(opens(&file, 5, &old) && opens(&file, 6, &new));
    }
}

#[test]
fn what_is_no_ticket_or_has_been_changed_is_not_opened() {
    let ticket = seal(&[SECRET], 5);
    for length in 0..ticket.len() {
        assert!(!opens(&[SECRET], 5, &ticket[..length]), "the first {length} bytes");
    }
    for index in 0..ticket.len() {
        let mut changed = ticket.clone();
        changed[index] ^= 1;
        assert!(!opens(&[SECRET], 5, &changed), "byte {index}");
    }
    assert!(keys(&[], 5).open(&ticket).is_none());
    assert!(keys(&[], 5).seal(b"a session", [0; NONCE_LEN]).is_none());
}

/// Every proxy of a fleet derives the same, whichever release it runs: a change of this needs another label.
#[test]
fn the_keys_are_what_they_always_were() {
    let hex: String = seal(&[SECRET], 61_000).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        "7e00761d72cab4dfeb88f6227984a722030303030303030303030303aa027fd26d46bc63a937fc25f989bbd990cf6a34331488f2ac"
    );
}

#[test]
fn every_secret_has_another_key_in_every_period() {
    let names: std::collections::BTreeSet<_> =
        (0..100).flat_map(|period| keys(&[SECRET, OTHER], period * 3 + 1).keys).map(|key| key.name).collect();
    assert_eq!(names.len(), 600);
}

static NOW: AtomicU64 = AtomicU64::new(0);

#[test]
fn keys_change_with_the_clock_and_a_ticket_says_how_long_it_is_good() {
    let tickets = Tickets::with_clock(&[SECRET], || NOW.load(Ordering::Relaxed));
    assert!(tickets.enabled() && !Tickets::new(&[]).enabled());
    let begin = 1_000 * PERIOD;
    for passed in [0, 1, PERIOD - 1] {
        NOW.store(begin + passed, Ordering::Relaxed);
        let ticket = tickets.encrypt(b"a session").unwrap();
        let end = begin + passed + u64::from(tickets.lifetime());
        NOW.store(end - 1, Ordering::Relaxed);
        assert_eq!(tickets.decrypt(&ticket).as_deref(), Some(&b"a session"[..]));
        NOW.store(end, Ordering::Relaxed);
        assert_eq!(tickets.decrypt(&ticket), None);
    }
}

#[test]
fn two_tickets_of_one_session_have_nothing_in_common_but_the_name_of_the_key() {
    let tickets = Tickets::of_process();
    let [one, other] = [0, 1].map(|_| tickets.encrypt(b"a session").unwrap());
    assert_eq!(one[..NAME], other[..NAME]);
    assert!(one[NAME..] != other[NAME..]);
    assert!(Tickets::of_process().decrypt(&one).is_none(), "another process opens it");
}
