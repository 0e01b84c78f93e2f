#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::config::{Expect, StatusRange};

const BOOT: &str = "b0";

fn random_view(random: &mut fastrand::Rng, now: SystemTime) -> HealthView {
    let whole_ms = |time: SystemTime| from_ms(to_ms(time));
    let targets = (0..random.u16(0..20)).map(|port| {
        let kind = if random.bool() {
            ProbeKind::Tcp
        } else {
            let ranges = (0..random.usize(0..3)).map(|at| StatusRange { from: 200 + at as u16, to: 299 });
            let host = random.bool().then(|| "www.example.net".to_owned());
            ProbeKind::Http { path: format!("/{}", random.u8(..)), host, expect: Expect(ranges.collect()) }
        };
        let (rise, fall) = (random.u32(1..5), random.u32(1..5));
        let interval = Duration::from_millis(random.u64(10..4000));
        let send_proxy = random.choice([None, Some(proxy_protocol::Version::V1), Some(proxy_protocol::Version::V2)]);
        let check = CheckConfig {
            protocol: BackendProtocol { send_proxy: send_proxy.flatten(), ..BackendProtocol::default() },
            kind,
            port: random.bool().then_some(80),
            interval,
            fast_interval: interval / 4,
            timeout: Duration::from_millis(random.u64(1..2000)),
            rise,
            fall,
        };
        let health = random.u32(0..rise + fall);
        let known = TargetHealth {
            verdict: Automaton::resumed(rise, fall, health).verdict(),
            health,
            reason: "200 in 3 ms".into(),
            since: whole_ms(now - Duration::from_secs(random.u64(0..100_000))),
            probed: Some(whole_ms(now - Duration::from_millis(random.u64(0..30_000)))),
            changes: random.u64(0..100),
            hearsay: false,
            proof: Default::default(),
            before: None,
        };
        (Target { address: SocketAddr::from(([127, 0, 0, 1], 1000 + port)), check }, known)
    });
    targets.collect()
}

fn to_json(view: &HealthView, now: SystemTime) -> serde_json::Value {
    json!(ToSave { view: view.clone(), now })
}

fn to_more_json(view: &HealthView) -> serde_json::Value {
    json!(MoreToSave(view.clone()))
}

/// One target, probed `age` before `now`.
fn view(age: Duration, now: SystemTime) -> HealthView {
    let check = CheckConfig {
        protocol: Default::default(),
        kind: ProbeKind::Tcp,
        port: None,
        interval: Duration::from_secs(2),
        fast_interval: Duration::from_millis(500),
        timeout: Duration::from_secs(1),
        rise: 2,
        fall: 3,
    };
    let known = TargetHealth {
        verdict: Verdict::Up,
        health: 4,
        reason: "connected in 1 ms".into(),
        since: now,
        probed: Some(now - age),
        changes: 0,
        hearsay: false,
        proof: Default::default(),
        before: None,
    };
    HealthView::from([(Target { address: SocketAddr::from(([127, 0, 0, 1], 80)), check }, known)])
}

#[test]
fn health_that_is_saved_and_read_is_the_same() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let now = SystemTime::now();
    for _ in 0..300 {
        let view = random_view(&mut random, now);
        let text = to_json(&view, now).to_string();
        let read = from_json(&serde_json::from_str(&text).unwrap(), &json!(null), now).unwrap();
        assert_eq!(read, view, "seed {seed}");
    }
}

#[test]
fn health_older_than_thirty_seconds_and_health_from_the_future_is_left_out() {
    let now = SystemTime::now();
    let saved = to_json(&view(Duration::ZERO, now), now);
    assert_eq!(from_json(&saved, &json!(null), now + Duration::from_secs(29)).unwrap().len(), 1);
    assert_eq!(from_json(&saved, &json!(null), now + Duration::from_secs(31)).unwrap().len(), 0);
    assert_eq!(from_json(&saved, &json!(null), now - Duration::from_secs(31)).unwrap().len(), 0);
}

#[test]
fn unchecked_targets_are_not_saved() {
    let now = SystemTime::now();
    let mut view = view(Duration::ZERO, now);
    view.values_mut().for_each(|health| {
        health.verdict = Verdict::Unchecked;
        health.probed = None;
    });
    assert_eq!(to_json(&view, now)["targets"], json!([]));
}

#[test]
fn what_cannot_be_believed_is_an_error_that_says_why() {
    let now = SystemTime::now();
    let saved = to_json(&view(Duration::ZERO, now), now);
    let with = |pointer: &str, value: serde_json::Value| {
        let mut changed = saved.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        from_json(&changed, &json!(null), now).unwrap_err().to_string()
    };
    assert!(with("/version", json!(2)).contains("version 2, expected 1"));
    assert!(with("/version", json!("1")).contains("no version"));
    assert!(with("/targets/0/health", json!(5)).contains("impossible with rise 2 and fall 3"));
    assert!(with("/targets/0/check/rise", json!(0)).contains("impossible"));
    assert!(with("/targets/0/address", json!("web1")).contains("malformed"));
    assert!(with("/targets/0/check", json!({ "kind": "udp" })).contains("malformed"));
    assert!(with("/targets/0/since_ms", json!(-1)).contains("malformed"));
    assert!(from_json(&json!([]), &json!(null), now).is_err());
    let mut unknown = saved.clone();
    unknown["targets"][0]["check"]["body"] = json!("ok");
    assert!(from_json(&unknown, &json!(null), now).unwrap_err().to_string().contains("malformed"));
}

#[test]
fn a_file_counts_within_one_boot_only_and_is_hearsay_there() {
    let now = SystemTime::now();
    let saved = json!(FileToSave::new(&view(Duration::ZERO, now), now, BOOT));
    let read = from_file(&saved, now, BOOT).unwrap();
    assert!(read.len() == 1 && read.values().all(|health| health.hearsay), "{read:?}");
    assert_eq!(from_file(&saved, now, "b1").unwrap().len(), 0, "the machine was started again");
    let mut earlier = saved.clone();
    earlier.as_object_mut().unwrap().remove("boot");
    assert_eq!(from_file(&earlier, now, BOOT).unwrap().len(), 0, "an earlier version did not say which boot");
    assert!(
        from_json(&earlier, &json!(null), now).unwrap().values().all(|health| !health.hearsay),
        "the running daemon's is not"
    );
}

#[test]
fn the_check_before_is_handed_over_too() {
    let now = from_ms(to_ms(SystemTime::now()));
    let mut changed = view(Duration::ZERO, now);
    let view = view(Duration::ZERO, now);
    let (target, health) = view.iter().next().unwrap();
    let before = Before { target: target.clone(), health: health.clone() };
    changed.values_mut().for_each(|health| {
        (health.verdict, health.health, health.hearsay) = (Verdict::Down, 0, true);
        health.before = Some(Arc::new(before.clone()));
    });
    let read = from_json(&to_json(&changed, now), &to_more_json(&changed), now).unwrap();
    assert_eq!(read, changed);
    assert!(read.values().all(|health| health.lasting().verdict == Verdict::Up));
}

/// Builds that know nothing of what came later refuse every key that they do not know.
#[test]
fn what_is_handed_over_has_the_keys_that_every_build_knows_and_no_others() {
    let now = SystemTime::now();
    let mut health = view(Duration::ZERO, now);
    health.values_mut().for_each(|health| health.hearsay = true);
    let saved = to_json(&health, now);
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    let mut known = ["saved_ms", "targets", "version"].map(str::to_owned).to_vec();
    known.sort();
    assert_eq!(keys(&saved), known.join(" "));
    assert_eq!(keys(&saved["targets"][0]), "address changes check health probed_ms reason since_ms");
}

/// Builds before `verify` refuse all saved health if one check's `ca_file` is not a path.
#[test]
fn a_check_that_believes_whoever_answers_is_handed_over_and_no_build_refuses_the_others_for_it() {
    let now = from_ms(to_ms(SystemTime::now()));
    let tls = BackendTls { ca_file: None, server_name: Some("www.test".to_owned()), client_certificate: None };
    let protocol = BackendProtocol { tls: Some(Arc::new(tls)), ..BackendProtocol::default() };
    let verified = view(Duration::ZERO, now);
    let of = |(target, health): (&Target, &TargetHealth)| {
        let check = CheckConfig { protocol: protocol.clone(), ..target.check.clone() };
        (Target { check, address: target.address }, health.clone())
    };
    let mut health: HealthView = verified.iter().map(of).collect();
    let (target, known) = health.iter().next().unwrap();
    let before = Before { target: target.clone(), health: known.clone() };
    health.values_mut().for_each(|health| {
        health.hearsay = true;
        health.before = Some(Arc::new(before.clone()));
    });
    let (saved, more) = (to_json(&health, now), to_more_json(&health));
    for target in [&saved["targets"][0], &more[0]["of"], &more[0]["before"]] {
        assert_eq!(target["check"]["protocol"]["tls"]["ca_file"], "", "{target}");
    }
    assert_eq!(from_json(&saved, &more, now).unwrap(), health);
}
