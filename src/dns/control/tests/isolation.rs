//! Nameservers that differ in what they reach: what each makes of it, with messages that they really exchange.

use super::*;
use crate::api::dns::Reason;
use crate::daemon::peers::RECENT;

const NAMES: [&str; 3] = ["ns-1", "ns-2", "ns-3"];
const THREE: [(&str, &str); 3] = [("a", "192.0.2.1"), ("b", "192.0.2.2"), ("c", "192.0.2.3")];
/// Longer than any check of the document takes, and than anything counts that a silent peer has said.
const LONG: u64 = 30;

/// Nameservers whose clocks go together. `cut` are those that nobody hears, and that hear nobody.
struct Fleet {
    nameservers: Vec<State>,
    cut: Vec<usize>,
    second: u64,
    logged: Vec<String>,
    /// What each has said last: the exchange knows whether it is news.
    said: BTreeMap<usize, Value>,
}

fn document_of(own: usize, count: usize) -> Arc<Prepared> {
    let mut text = text(&THREE);
    text["name"] = json!(NAMES[own]);
    let others = NAMES.iter().zip(1..).take(count).filter(|(name, _)| **name != NAMES[own]);
    let member = |(name, host): (&&str, i32)| {
        ((*name).to_owned(), json!({ "address": format!("127.0.0.{host}:8405"), "keys": [] }))
    };
    let members: serde_json::Map<String, Value> = others.map(member).collect();
    text["peers"] =
        json!({ "listen": format!("127.0.0.{}:8405", own + 1), "key_file": "/nowhere", "members": members });
    text["pools"][POOL]["when_all_down"] = json!("empty");
    prepared(&text)
}

impl Fleet {
    /// So many nameservers that find every member up.
    fn start(count: usize) -> Fleet {
        let nameserver = |own| State::new(document_of(own, count), Saved::default());
        let nameservers = (0..count).map(nameserver).collect();
        let (cut, logged, said) = Default::default();
        let mut fleet = Fleet { nameservers, cut, second: 0, logged, said };
        for own in 0..count {
            fleet.see(own, &["a", "b", "c"]);
            fleet.take(own, Event::Ready);
        }
        fleet.pass(LONG);
        fleet
    }

    fn now(&self) -> Now {
        at(self.second * 1_000)
    }

    fn take(&mut self, own: usize, event: Event) {
        let now = self.now();
        for effect in self.nameservers[own].on_event(event, now) {
            if let Effect::Log(line) = effect {
                self.logged.push(format!("{}: {}", NAMES[own], line.words));
            }
        }
    }

    /// The checks of one of them find these members up, and the others down.
    fn see(&mut self, own: usize, up: &[&str]) {
        let document = self.nameservers[own].document.clone();
        let verdict = |member: &str| if up.contains(&member) { Verdict::Up } else { Verdict::Down };
        self.take(own, Event::Health(health(&document, verdict)));
    }

    /// Seconds go by, and an exchange takes place in each.
    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.second += 1;
            for own in 0..self.nameservers.len() {
                self.take(own, Event::Time);
            }
            self.exchange();
        }
    }

    fn exchange(&mut self) {
        let heard = |own: &usize| !self.cut.contains(own);
        let heard: Vec<usize> = (0..self.nameservers.len()).filter(heard).collect();
        for writer in &heard {
            let value = self.nameservers[*writer].to_tell();
            let is_news = self.said.insert(*writer, value.clone()).as_ref() != Some(&value);
            for reader in heard.iter().filter(|reader| *reader != writer) {
                let (peer, value) = (NAMES[*writer].to_owned(), value.clone().into());
                self.take(*reader, Event::Peer(PeerEvent { peer, value, is_news, ahead_ms: 0 }));
            }
        }
    }

    fn answers(&self, own: usize) -> (Vec<String>, Reason) {
        (answers(&self.nameservers[own]), self.nameservers[own].choices[POOL].decided_by().a)
    }

    fn alarms(&self, own: usize) -> String {
        self.nameservers[own].status(&RuntimeFigures::default(), self.now()).daemon.alarms.join("; ")
    }
}

fn seen(addresses: &[&str], reason: Reason) -> (Vec<String>, Reason) {
    (addresses.iter().map(|address| (*address).to_owned()).collect(), reason)
}

#[test]
fn a_nameserver_that_alone_finds_every_member_down_answers_what_its_peers_see_up_and_says_that_it_is_isolated() {
    let mut fleet = Fleet::start(3);
    fleet.see(1, &["a", "c"]);
    fleet.see(2, &["a", "c"]);
    fleet.pass(1);
    fleet.see(0, &[]);
    assert_eq!(fleet.answers(0), seen(&["192.0.2.1", "192.0.2.3"], Reason::Peers), "at once");
    assert_eq!(fleet.alarms(0), "", "the others may find them down in a moment");
    fleet.pass(LONG);
    assert_eq!(
        fleet.alarms(0),
        format!(
            "pool {POOL}: isolated from a, b and c (a test), which ns-2 and ns-3 reach: what its peers see up is answered; look at the \
             network between this nameserver and the members, or at who is mistaken"
        )
    );
    let status = fleet.nameservers[0].status(&RuntimeFigures::default(), fleet.now());
    assert_eq!(status.pools[0].isolated.as_deref(), Some("a, b and c (a test), which ns-2 and ns-3 reach"));
    assert!(fleet.nameservers[0].summary().contains("; isolated"), "{}", fleet.nameservers[0].summary());
    let explained = fleet.nameservers[0].explain(POOL, None, fleet.now()).expect("a name").because.join("\n");
    assert!(
        explained.contains("answered all the same: peers see it up") && explained.contains("isolated"),
        "{explained}"
    );
    assert_eq!(fleet.answers(1), seen(&["192.0.2.1", "192.0.2.3"], Reason::Checks));

    fleet.see(0, &["b"]);
    assert_eq!((fleet.answers(0), fleet.alarms(0).contains("isolated")), (seen(&["192.0.2.2"], Reason::Checks), false));
    let of_isolation: Vec<&String> = fleet.logged.iter().filter(|line| line.contains("isolated")).collect();
    assert_eq!(of_isolation.len(), 2, "it began and it ended: {of_isolation:?}");
}

#[test]
fn when_every_nameserver_finds_every_member_down_when_all_down_decides_as_soon_as_the_last_of_them_has() {
    let mut fleet = Fleet::start(2);
    fleet.see(0, &[]);
    fleet.pass(1);
    assert_eq!(fleet.answers(0).1, Reason::Peers);
    fleet.see(1, &[]);
    fleet.pass(1);
    assert_eq!((fleet.answers(0), fleet.answers(1)), (seen(&[], Reason::AllDown), seen(&[], Reason::AllDown)));
    assert!(!fleet.logged.iter().any(|line| line.contains("isolated")), "{:?}", fleet.logged);
}

#[test]
fn the_answer_of_peers_follows_their_checks() {
    let mut fleet = Fleet::start(3);
    fleet.see(0, &[]);
    fleet.pass(LONG);
    fleet.see(1, &["b"]);
    fleet.see(2, &["b"]);
    fleet.pass(1);
    assert_eq!(fleet.answers(0), seen(&["192.0.2.2"], Reason::Peers));
}

#[test]
fn a_peer_counts_no_longer_than_it_was_heard_lately_and_the_daemon_looks_again_by_then() {
    let mut fleet = Fleet::start(2);
    fleet.see(0, &[]);
    fleet.pass(1);
    fleet.cut = vec![1];
    assert_eq!(fleet.answers(0).1, Reason::Peers);
    let wakes = fleet.nameservers[0].wakes(fleet.now()).expect("a moment");
    assert!(wakes <= fleet.now().running + RECENT + Duration::from_millis(1), "{wakes:?}");
    fleet.pass(RECENT.as_secs() + 1);
    assert_eq!(fleet.answers(0).1, Reason::Kept);
}

#[test]
fn a_nameserver_that_loses_its_peers_as_well_keeps_the_last_answer_for_the_stated_time_and_wakes_when_it_ends() {
    let mut fleet = Fleet::start(2);
    fleet.see(1, &["a", "c"]);
    fleet.see(0, &[]);
    fleet.pass(LONG);
    assert!(fleet.alarms(0).contains("isolated"));
    fleet.cut = vec![1];
    fleet.pass(RECENT.as_secs() + 1);
    assert_eq!(fleet.answers(0), seen(&["192.0.2.1", "192.0.2.3"], Reason::Kept));
    let alarms = fleet.alarms(0);
    assert!(alarms.contains("no peer is heard that could say more: the answer from before is kept until"), "{alarms}");
    assert!(!fleet.logged.iter().any(|line| line.contains("isolated no more")), "{:?}", fleet.logged);
    let ends = fleet.nameservers[0].choices[POOL].kept_until().expect("an end") - at(0).unix_ms;
    let wakes = fleet.nameservers[0].wakes(fleet.now()).expect("a moment");
    assert!(wakes <= Duration::from_millis(ends + 1), "{wakes:?}");
    fleet.pass(ends / 1_000 + 1 - fleet.second);
    assert_eq!(fleet.answers(0), seen(&[], Reason::AllDown));
}

#[test]
fn a_kept_answer_ends_when_it_would_have_though_the_process_is_another_one_or_the_document() {
    let mut fleet = Fleet::start(2);
    fleet.cut = vec![1];
    fleet.pass(LONG);
    fleet.see(0, &[]);
    let kept = fleet.nameservers[0].choices[POOL].kept_until();
    assert!(kept.is_some());
    fleet.pass(60);
    let document = fleet.nameservers[0].document.clone();
    fleet.take(0, Event::Reloaded(document_of(0, 2)));
    assert_eq!(fleet.nameservers[0].choices[POOL].kept_until(), kept, "after a reload");

    let handed = fleet.nameservers[0].to_hand_over(fleet.now());
    let handed = Saved::read_handover(handed, fleet.now().system_time()).expect("its own form");
    fleet.nameservers[0] = State::new(document, handed);
    fleet.see(0, &[]);
    fleet.take(0, Event::Ready);
    assert_eq!(fleet.nameservers[0].choices[POOL].kept_until(), kept, "after a takeover");
    fleet.pass(600);
    assert_eq!(fleet.answers(0), seen(&[], Reason::AllDown));
}

#[test]
fn a_nameserver_that_is_about_to_end_tells_nothing_of_its_checks() {
    let mut fleet = Fleet::start(2);
    assert!(fleet.nameservers[1].to_tell().to_string().contains(&format!("{POOL}/192.0.2.1")));
    fleet.take(1, Event::Draining);
    assert_eq!(fleet.nameservers[1].to_tell()["verdicts"], json!({}));
}

#[test]
fn members_that_only_a_peers_document_names_count_for_nothing() {
    let mut fleet = Fleet::start(2);
    fleet.see(0, &[]);
    let opinions = json!({ format!("{POOL}/198.51.100.1"): { "verdict": "up", "bound": 1 }, "elsewhere/192.0.2.1": { "verdict": "up", "bound": 1 } });
    let value = json!({ "version": 1, "operator": {}, "verdicts": opinions });
    fleet.cut = vec![1];
    fleet.take(0, Event::Peer(PeerEvent { peer: "ns-2".into(), value: value.into(), is_news: true, ahead_ms: 0 }));
    assert_eq!(fleet.answers(0).1, Reason::Kept);
}

#[test]
fn a_nameserver_without_ipv6_says_so_and_neither_tells_nor_goes_by_what_its_checks_of_aaaa_say() {
    let mut text = text(&[]);
    text["pools"][POOL]["members"] = json!({ "a": { "addresses": ["192.0.2.1", "2001:db8::1"] }, "b": { "addresses": ["192.0.2.2", "2001:db8::2"] } });
    text["peers"] = json!({ "listen": "127.0.0.1:8405", "key_file": "/nowhere",
        "members": { "ns-2": { "address": "127.0.0.2:8405", "keys": [] } } });
    let document = prepared(&text);
    let mut state = State::new(document.clone(), Saved::default());
    assert!(state.note_own_ipv6(false).is_some() && state.note_own_ipv6(false).is_none(), "it is said once");
    let of_a = health(&document, |member| if member == "a" { Verdict::Up } else { Verdict::Down });
    let mut seen = (*of_a).clone();
    for (target, health) in seen.iter_mut().filter(|(target, _)| target.address.is_ipv6()) {
        (health.verdict, health.reason) = (Verdict::Down, "network is unreachable".into());
        assert!(target.address.is_ipv6());
    }
    state.on_event(Event::Health(Arc::new(seen)), at(0));
    state.on_event(Event::Ready, at(0));
    assert_eq!(answers(&state), ["192.0.2.1", "2001:db8::1"]);
    assert!(!state.to_tell()["verdicts"].to_string().contains("2001:db8"), "{}", state.to_tell());
    let status = state.status(&RuntimeFigures::default(), at(1));
    assert_eq!((status.no_ipv6, status.pools[0].decided_by.aaaa), (true, Reason::FollowsA));
    assert!(status.pools[0].members[0].is_well() && !status.pools[0].members[1].is_well());

    let opinion = |verdict| json!({ "verdict": verdict, "bound": 1 });
    let verdicts =
        json!({ format!("{POOL}/2001:db8::1"): opinion("down"), format!("{POOL}/2001:db8::2"): opinion("up") });
    let value = json!({ "version": 1, "operator": {}, "verdicts": verdicts });
    let hear = |state: &mut State, seconds: std::ops::Range<u64>| {
        for second in seconds {
            let (peer, value) = ("ns-2".to_owned(), value.clone().into());
            state.on_event(Event::Peer(PeerEvent { peer, value, is_news: true, ahead_ms: 0 }), at(second * 1_000));
        }
    };
    hear(&mut state, 1..LONG);
    assert_eq!(answers(&state), ["192.0.2.1", "2001:db8::2"], "peers know of AAAA");
    assert!(!state.summary().contains("isolated"), "and that is no isolation: {}", state.summary());

    assert!(state.note_own_ipv6(true).is_some());
    hear(&mut state, LONG..2 * LONG);
    assert!(state.summary().contains("isolated"), "with IPv6 it is one: {}", state.summary());
}

#[test]
fn what_silent_peers_would_have_refused_is_refused_when_it_is_only_asked_about() {
    let mut fleet = Fleet::start(3);
    let ask = |fleet: &mut Fleet| {
        let asked = OperatorCommand { dry_run: true, ..command("a", OperatorState::Drain, false) };
        let now = fleet.now();
        fleet.nameservers[0].operator(&asked, now).map(|accepted| accepted.done.done)
    };
    assert!(ask(&mut fleet).is_ok());
    fleet.cut = vec![1, 2];
    fleet.pass(LONG);
    let Err(CommandError::Refused(why)) = ask(&mut fleet) else { panic!("b and c could be taken away elsewhere") };
    assert!(why.contains("and ns-2, ns-3 did not answer within 2s"), "{why}");
}
