use std::time::UNIX_EPOCH;

use super::*;
use crate::health::Proof;

const BOUND: Duration = Duration::from_secs(6);

fn health(verdict: Verdict) -> TargetHealth {
    TargetHealth {
        verdict,
        health: 0,
        reason: "200".into(),
        since: UNIX_EPOCH,
        probed: None,
        changes: 0,
        hearsay: false,
        proof: Proof::new(Duration::ZERO, Duration::from_secs(5)),
        before: None,
    }
}

fn verdicts(opinions: &Opinions) -> Vec<(&str, Verdict)> {
    opinions.0.iter().map(|(subject, opinion)| (&**subject, opinion.verdict)).collect()
}

#[test]
fn what_its_own_probes_bear_out_is_told_and_taken_back_when_they_do_not() {
    let (up, down, unchecked) = (health(Verdict::Up), health(Verdict::Down), health(Verdict::Unchecked));
    let saved = TargetHealth { hearsay: true, ..health(Verdict::Up) };
    let seen = [
        ("shop/web1", &up, BOUND),
        ("shop/web2", &down, BOUND),
        ("shop/web3", &unchecked, BOUND),
        ("shop/web4", &saved, BOUND),
    ];
    let mut opinions = Opinions::default();
    assert!(opinions.renew(seen.into_iter(), Duration::ZERO));
    assert_eq!(verdicts(&opinions), [("shop/web1", Verdict::Up), ("shop/web2", Verdict::Down)]);
    assert!(!opinions.renew(seen.into_iter(), Duration::from_secs(5)), "nothing has changed");
    assert!(opinions.renew(seen.into_iter(), Duration::from_secs(6)), "no probe has borne them out for too long");
    assert_eq!(verdicts(&opinions), []);
}

#[test]
fn a_verdict_that_only_stands_since_nothing_can_be_probed_is_taken_back() {
    let up = health(Verdict::Up);
    let seen = [("shop/web1", &up, BOUND)];
    let mut opinions = Opinions::default();
    opinions.renew(seen.into_iter(), Duration::ZERO);
    for second in 1..=6 {
        up.proof.prolong(Duration::from_secs(second), Duration::from_secs(second));
    }
    assert!(up.proof.holds(Duration::from_secs(6)), "here it counts on");
    assert!(opinions.renew(seen.into_iter(), Duration::from_secs(6)));
    assert_eq!(verdicts(&opinions), []);
}

#[test]
fn a_target_that_left_the_document_is_told_no_more_and_a_change_is_told() {
    let (up, down) = (health(Verdict::Up), health(Verdict::Down));
    let mut opinions = Opinions::default();
    opinions.renew([("shop/web1", &up, BOUND), ("shop/web2", &up, BOUND)].into_iter(), Duration::ZERO);
    assert!(opinions.renew([("shop/web1", &down, BOUND)].into_iter(), Duration::ZERO));
    assert_eq!(verdicts(&opinions), [("shop/web1", Verdict::Down)]);
}

#[test]
fn of_a_peers_opinions_those_count_that_can_be_read_and_that_the_document_names() {
    let text = r#"{"shop/web1":{"verdict":"up","bound":6000},"shop/web9":{"verdict":"up","bound":6000},"shop/web2":{"verdict":"unchecked","bound":6000},"shop/web3":{"verdict":"sideways"},"shop/web4":7}"#;
    let theirs: Opinions = serde_json::from_str(text).expect("the form of a message");
    let vetted = theirs.vetted(|subject| subject != "shop/web9");
    assert_eq!(verdicts(&vetted), [("shop/web1", Verdict::Up)]);
    assert_eq!(vetted.verdict("shop/web1", BOUND), Some((Verdict::Up, BOUND)));
    assert_eq!(vetted.verdict("shop/web9", BOUND), None);
    assert_eq!(
        vetted.verdict("shop/web1", Duration::from_secs(2)),
        None,
        "a check of 6 s says too little to one of 2 s"
    );
}

#[test]
fn what_was_heard_counts_until_it_is_no_longer_recent() {
    let heard = Heard::now(Duration::from_secs(10));
    assert!(heard.is_recent(Duration::from_secs(10) + RECENT));
    assert!(!heard.is_recent(heard.lapses()));
}
