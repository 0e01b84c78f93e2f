//! Signatures that get old, and answers of pools that are signed before they are published.

use super::*;
use crate::api::dns::GivenBy;
use crate::config::dns::Denial;
use crate::daemon::metrics::Scrape;
use crate::dns::compiled::{Life, Zone, Zones};
use crate::dns::signing::{ZoneSigner, hour_of, sign_zone};
use crate::dnssec::{Algorithm, Role, Times, ZoneKey, make};
use crate::zone::name;
use crate::zone::number::rtype;

pub(super) const HOUR: u64 = 3_600_000;

/// So many milliseconds after a full hour of the year 2026.
pub(super) fn start(ms: u64) -> Now {
    at(498_000 * HOUR - 1_000_000 + ms)
}

/// A key of its zone.
pub(super) fn key(role: Role, times: Times) -> Arc<ZoneKey> {
    let apex = name::from_text("example.net").unwrap();
    Arc::new(make(&apex, role, Algorithm::Ed25519, times, &[]).unwrap().into_key())
}

/// A document whose zone is signed, in its hour `signed_for`.
fn signed(signed_for: u64) -> Arc<Prepared> {
    signed_by(vec![key(Role::Ksk, Times::default())], signed_for)
}

/// The same with these keys.
pub(super) fn signed_by(keys: Vec<Arc<ZoneKey>>, signed_for: u64) -> Arc<Prepared> {
    let apex = name::from_text("example.net").unwrap();
    let mut text = text(&TWO);
    text["zones"]["example.net"]["dnssec"] = json!({ "keys": "/keys" });
    let mut prepared = Arc::into_inner(prepared(&text)).unwrap();
    let config = prepared.config.zones["example.net"].dnssec.as_ref().unwrap();
    let signer = ZoneSigner::new(apex, keys, config);
    let zone = prepared.zones.get(signer.apex()).unwrap();
    let signatures = sign_zone(zone, &signer.at(signed_for), None).unwrap();
    prepared.zones = Arc::new(prepared.zones.replacing([Arc::new(zone.signed(Arc::new(signatures)))]));
    prepared.signed_at = signed_for;
    prepared.signers = [signer].into_iter().collect();
    Arc::new(prepared)
}

/// A nameserver with that document that answers, with every member up.
fn answering() -> State {
    let document = signed(start(0).unix_ms / 1000);
    let mut state = State::new(document.clone(), Saved::default());
    state.on_event(Event::Health(health(&document, |_| Verdict::Up)), start(0));
    state.on_event(Event::Ready, start(0));
    state
}

pub(super) fn ordered(effects: Vec<Effect>) -> Option<SigningOrder> {
    effects.into_iter().find_map(|effect| if let Effect::Sign(order) = effect { Some(order) } else { None })
}

pub(super) fn perform(order: SigningOrder) -> Event {
    let sign = |zone: &Zone, signer: &ZoneSigner, hour: u64| {
        Some(Arc::new(zone.signed(Arc::new(sign_zone(zone, &signer.at(hour), Some(zone)).unwrap()))))
    };
    Event::Signed(order.perform(sign))
}

/// What is to be signed ahead, if anything is.
pub(super) fn ordered_ahead(effects: Vec<Effect>) -> Option<AheadOrder> {
    effects.into_iter().find_map(|effect| match effect {
        Effect::SignAhead(order) => Some(*order),
        _ => None,
    })
}

pub(super) fn perform_ahead(order: AheadOrder) -> Event {
    Event::SignedAhead(Box::new(order.perform()))
}

/// The inception of the SOA's signature, and of the pool's A.
fn inceptions(state: &State) -> [u32; 2] {
    let zone = state.snapshot.zones.get(&name::from_text("example.net").unwrap()).unwrap();
    let (_, pool) = zone.pool_names().next().unwrap();
    let of_pool = state.snapshot.pool(0).set(pool, None, rtype::A).unwrap();
    [zone.node(0).set(rtype::SOA).unwrap(), of_pool].map(|set| {
        let rrsig = set.rrsigs().unwrap().first();
        u32::from_be_bytes(rrsig[12..16].try_into().unwrap())
    })
}

#[test]
fn what_a_pool_comes_to_is_signed_in_the_snapshot_that_is_published() {
    let mut state = answering();
    let signatures = |state: &State| {
        let zone = state.snapshot.zones.get(&name::from_text("example.net").unwrap()).unwrap();
        let (_, node) = zone.pool_names().next().unwrap();
        let set = state.snapshot.pool(0).set(node, None, rtype::A).unwrap();
        (set.count, set.signatures.to_vec())
    };
    let both = signatures(&state);
    let document = state.document.clone();
    let effects = state.on_event(
        Event::Health(health(&document, |member| if member == "a" { Verdict::Up } else { Verdict::Down })),
        start(1),
    );
    assert_eq!(published(&effects), 1);
    // The other one has just fallen, and is answered until the first one is known to be up.
    state.on_event(Event::Time, start(60_000));
    let one = signatures(&state);
    assert_eq!((both.0, one.0), (2, 1));
    assert!(!one.1.is_empty() && one.1 != both.1);
}

#[test]
fn what_a_pool_may_come_to_is_signed_before_it_does() {
    let document = signed(start(0).unix_ms / 1000);
    let mut state = State::new(document.clone(), Saved::default());
    state.on_event(Event::Health(health(&document, |_| Verdict::Up)), start(0));
    let order = ordered_ahead(state.on_event(Event::Ready, start(0))).unwrap();
    assert!(ordered_ahead(state.on_event(Event::Time, start(5_000))).is_none(), "it is under way");
    state.on_event(perform_ahead(order), start(5_000));
    let flip = |state: &mut State, ms: u64| {
        let up = ["a", "b"][(ms / 10_000 % 2) as usize];
        let health = health(&document, |member| if member == up { Verdict::Up } else { Verdict::Down });
        let effects = state.on_event(Event::Health(health), start(ms));
        state.on_event(Event::Time, start(ms + 5_000));
        ordered_ahead(effects)
    };
    let late = state.signed_pools.waited_for();
    for n in 1..10 {
        assert!(flip(&mut state, n * 10_000).is_none(), "all that can be answered is signed");
    }
    assert_eq!(state.signed_pools.waited_for(), late);
}

#[test]
fn each_hour_the_zones_are_signed_anew_once_and_answers_go_on_with_what_they_have_until_then() {
    let mut state = answering();
    let first = hour_of(start(0).unix_ms / 1000);
    assert!(state.wakes(start(1)).unwrap() <= start(HOUR).running);
    assert!(ordered(state.on_event(Event::Time, start(HOUR / 4))).is_none(), "in the same hour");
    let before = inceptions(&state);
    let mut changed = [false; 2];
    for hour in 1..=20 * 24 {
        let now = start(hour * HOUR);
        let order = ordered(state.on_event(Event::Time, now)).unwrap();
        assert_eq!(order.hour, first + hour * 3600);
        assert!(ordered(state.on_event(Event::Time, now)).is_none(), "it is under way");
        state.on_event(perform(order), now);
        let after = inceptions(&state);
        changed = [0, 1].map(|set| changed[set] || after[set] != before[set]);
        assert!(after.iter().all(|inception| u64::from(*inception) + 14 * 86_400 > now.unix_ms / 1000 + 4 * 86_400));
    }
    assert_eq!(changed, [true; 2]);
}

#[test]
fn signatures_that_come_when_another_document_is_in_force_are_not_used() {
    let mut state = answering();
    let order = ordered(state.on_event(Event::Time, start(HOUR))).unwrap();
    state.on_event(Event::Reloaded(signed(start(HOUR).unix_ms / 1000)), start(HOUR));
    state.on_event(perform(order), start(HOUR + 1));
    assert!(Arc::ptr_eq(&state.zones, &state.document.zones));
}

#[test]
fn a_clock_that_was_ahead_has_everything_signed_for_the_right_time_and_one_that_trembles_has_nothing() {
    let mut state = answering();
    let order = ordered(state.on_event(Event::Time, start(500 * HOUR))).unwrap();
    state.on_event(perform(order), start(500 * HOUR));
    let set_to = |ms: u64| Now { unix_ms: start(ms).unix_ms, ..start(501 * HOUR) };
    assert!(ordered(state.on_event(Event::Time, set_to(499 * HOUR))).is_none());
    let order = ordered(state.on_event(Event::Time, set_to(HOUR))).unwrap();
    state.on_event(perform(order), set_to(HOUR));
    let latest = u64::from(*inceptions(&state).iter().max().unwrap());
    assert!(latest <= start(HOUR).unix_ms / 1000, "{latest}");
}

#[test]
fn signatures_by_keys_from_before_a_reload_in_the_same_hour_are_not_used() {
    let mut state = answering();
    let order = ordered(state.on_event(Event::Time, start(HOUR))).unwrap();
    let mut same_zone = Arc::into_inner(signed(start(0).unix_ms / 1000)).unwrap();
    same_zone.zones = Arc::clone(&state.document.zones);
    state.on_event(Event::Reloaded(Arc::new(same_zone)), start(HOUR));
    let again = ordered(state.on_event(Event::Time, start(HOUR)));
    state.on_event(perform(order), start(HOUR + 1));
    assert!(Arc::ptr_eq(&state.zones, &state.document.zones), "{again:?}");
}

#[test]
fn signatures_that_are_not_renewed_raise_an_alarm_at_a_third_and_a_louder_one_at_a_tenth() {
    let state = answering();
    let expires = state.zones.iter().next().unwrap().signatures().unwrap().expires().unwrap();
    let alarm = |days_before: u64| {
        let unix_ms = (expires - days_before * 86_400) * 1000;
        let status = state.status(&RuntimeFigures::default(), Now { unix_ms, ..start(0) });
        status.daemon.alarms.into_iter().find(|alarm| alarm.contains("a signature runs out at"))
    };
    assert_eq!(alarm(5), None);
    let third = alarm(4).unwrap();
    assert!(third.starts_with("zone example.net: "), "{third}");
    let tenth = alarm(1).unwrap();
    assert!(tenth.starts_with("NOW: zone example.net: "), "{tenth}");
}

/// What a metric of a zone says.
fn metric(state: &State, name: &str, now: Now) -> Option<u64> {
    let page = state.metrics(std::iter::empty(), &RuntimeFigures::default(), now, &Scrape::begin(""));
    let line = page.lines().find(|line| line.starts_with(&format!("{name}{{")))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// Whether the alert rules for signatures fire, by what the metrics say: that they should have been renewed, and that their end is near.
fn alerts(state: &State, now: Now) -> (bool, bool) {
    let read = |what: &str| metric(state, &format!("polder_zone_signatures_{what}_seconds"), now).unwrap();
    (read("left") < read("refresh"), read("left") < read("lifetime") / 10)
}

#[test]
fn alert_rules_for_signatures_fire_exactly_when_there_is_an_alarm() {
    for (state, words) in [(answering(), "a signature runs out"), (given(), "a signature that it came with")] {
        let signatures = state.zones.iter().next().unwrap().signatures().unwrap();
        let Life { expires, begins } = signatures.first_life().unwrap();
        for seconds in (begins - 7200..expires + 7200).step_by(3600) {
            let now = Now { unix_ms: seconds * 1000, ..start(0) };
            let alarms = state.status(&RuntimeFigures::default(), now).daemon.alarms;
            let alarm = alarms.iter().find(|alarm| alarm.contains(words));
            let expected = (alarm.is_some(), alarm.is_some_and(|alarm| alarm.starts_with("NOW: ")));
            assert_eq!(
                alerts(&state, now),
                expected,
                "{} s before the end: {alarms:?}",
                expires.saturating_sub(seconds)
            );
        }
    }
}

#[test]
fn a_zone_that_could_not_be_signed_is_one_whose_signatures_have_run_out_and_one_that_is_not_served_is_none() {
    let mut text = text(&TWO);
    text["zones"]["example.net"]["dnssec"] = json!({ "keys": "/keys" });
    let unsigned = State::new(prepared(&text), Saved::default());
    assert_eq!(alerts(&unsigned, start(0)), (true, true));
    let alarms = unsigned.status(&RuntimeFigures::default(), start(0)).daemon.alarms;
    assert!(
        alarms.iter().any(|alarm| alarm.starts_with("NOW: ") && alarm.contains("without signatures")),
        "{alarms:?}"
    );
    let mut document = Arc::into_inner(prepared(&text)).unwrap();
    document.zones = Arc::new(Zones::new(Vec::new(), vec![name::from_text("example.net").unwrap()]));
    let unserved = State::new(Arc::new(document), Saved::default());
    assert_eq!(metric(&unserved, "polder_zone_signatures_left_seconds", start(0)), None);
}

/// A nameserver whose zone comes signed.
fn given() -> State {
    let now = start(0).unix_ms / 1000;
    let text = "$TTL 300\n@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.53\n";
    let signed = crate::dns::signing::fixture::presigned_text("example.net", text, now, Denial::Nsec);
    let zone = crate::dns::signing::fixture::compiled("example.net", &signed);
    let mut without_pools = super::text(&TWO);
    without_pools["pools"] = json!({});
    let mut document = Arc::into_inner(prepared(&without_pools)).unwrap();
    document.zones = Arc::new(Zones::new(vec![Arc::new(zone)], Vec::new()));
    State::new(Arc::new(document), Saved::default())
}

#[test]
fn signatures_that_a_zone_came_with_raise_an_alarm_at_a_third_and_a_louder_one_at_a_tenth() {
    let state = given();
    let Life { expires, begins } = state.zones.iter().next().unwrap().signatures().unwrap().first_life().unwrap();
    let at = |unix: u64| Now { unix_ms: unix * 1000, ..start(0) };
    let alarm = |left: u64| {
        let status = state.status(&RuntimeFigures::default(), at(expires - left));
        status.daemon.alarms.into_iter().find(|alarm| alarm.contains("a signature that it came with"))
    };
    let life = expires - begins;
    assert_eq!(alarm(life / 3 + 10), None);
    let third = alarm(life / 3 - 10).unwrap();
    assert!(third.starts_with("zone example.net: ") && third.contains("runs out at"), "{third}");
    assert!(alarm(life / 10 - 10).unwrap().starts_with("NOW: zone example.net: "));
    let early = alarm(life + 60).unwrap();
    assert!(early.starts_with("NOW: zone example.net: ") && early.contains("is not good before"), "{early}");
    assert!(alarm(0).unwrap().contains("has run out at"));
    let status = state.status(&RuntimeFigures::default(), start(0));
    let dnssec = status.zones[0].dnssec.as_ref().unwrap();
    assert_eq!(dnssec.given_by, Some(GivenBy::File));
    assert!(dnssec.keys.len() == 1 && dnssec.keys[0].signs && dnssec.keys[0].ds.is_some(), "{dnssec:?}");
}
