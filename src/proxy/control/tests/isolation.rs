//! Proxies that differ in what they reach: what each makes of it, with messages that they really exchange.

use super::*;
use crate::daemon::peers::RECENT;
use crate::proxy::choose::{BalanceState, Choice, RequestFacts, choose};

const NAMES: [&str; 3] = ["px1", "px2", "px3"];
/// Longer than any check of the document takes, and than anything counts that a silent peer has said.
const LONG: Duration = Duration::from_secs(30);

/// Proxies whose clocks go together. `cut` are pairs that cannot hear each other.
struct Fleet {
    proxies: Vec<Machine>,
    cut: Vec<(usize, usize)>,
    /// What each has said last to whom: the exchange knows whether it is news.
    said: BTreeMap<(usize, usize), Value>,
}

fn document(own: usize) -> Arc<Prepared> {
    prepared_from(&document_text(own))
}

fn document_text(own: usize) -> String {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
    document["name"] = json!(NAMES[own]);
    let others = NAMES.iter().zip(1..).filter(|(name, _)| **name != NAMES[own]);
    let member = |(name, host): (&&str, i32)| {
        (name.to_string(), json!({ "address": format!("127.0.0.{host}:8405"), "keys": [] }))
    };
    let members: serde_json::Map<String, Value> = others.map(member).collect();
    document["peers"] =
        json!({ "listen": format!("127.0.0.{}:8405", own + 1), "key_file": "/nowhere", "members": members });
    document.to_string()
}

impl Fleet {
    fn start() -> Fleet {
        let proxies = (0..NAMES.len()).map(|own| {
            let prepared = document(own);
            let health = health(&prepared, Verdict::Up);
            let known = known(health.clone(), health, Latches::restore(StoredLatches::Missing));
            Machine::start_with(prepared, known)
        });
        let mut fleet = Fleet { proxies: proxies.collect(), cut: Vec::new(), said: BTreeMap::new() };
        fleet.pass(LONG);
        fleet
    }

    /// Everybody tells everybody, twice: what is decided by what was heard is heard too.
    fn exchange(&mut self) {
        for _ in 0..2 {
            let messages: Vec<Value> =
                self.proxies.iter().map(|proxy| json!(proxy.state.for_peers(proxy.now))).collect();
            for (writer, message) in messages.iter().enumerate() {
                for reader in 0..self.proxies.len() {
                    let is_cut = self.cut.iter().any(|pair| *pair == (writer, reader) || *pair == (reader, writer));
                    if reader != writer && !is_cut {
                        let before = self.said.insert((writer, reader), message.clone());
                        let is_news = before.as_ref() != Some(message);
                        self.proxies[reader].take(said(NAMES[writer], message.clone(), is_news));
                    }
                }
            }
        }
    }

    /// Time goes by, and an exchange takes place each second.
    fn pass(&mut self, time: Duration) {
        for _ in 0..time.as_secs() {
            self.exchange();
            self.proxies.iter_mut().for_each(|proxy| proxy.pass(Duration::from_secs(1)));
        }
        self.exchange();
    }

    /// What the checks of these proxies say.
    fn see(&mut self, proxies: &[usize], subject: &str, verdict: Verdict) {
        proxies.iter().for_each(|proxy| self.proxies[*proxy].set(subject, verdict));
    }

    fn views(&self) -> Vec<LatchView> {
        self.proxies.iter().map(Machine::view).collect()
    }

    fn ready(&self) -> Vec<bool> {
        self.proxies.iter().map(|proxy| proxy.state.snapshot.ready).collect()
    }

    fn epochs(&self) -> Vec<u64> {
        self.proxies.iter().map(|proxy| proxy.latch().epoch).collect()
    }
}

fn said(peer: &str, value: Value, is_news: bool) -> Event {
    Event::PeerMessage(PeerEvent { peer: peer.into(), value: value.into(), is_news, ahead_ms: 0 })
}

#[test]
fn one_proxy_that_alone_cannot_reach_the_active_backend_moves_nobody_and_stands_back() {
    let mut fleet = Fleet::start();
    fleet.see(&[0], "shop/web2", Verdict::Down);
    assert_eq!(fleet.views()[0], LatchView::Hold, "the others may find it down in a moment");
    fleet.pass(LONG);
    assert_eq!(fleet.epochs(), [0, 0, 0]);
    assert_eq!(fleet.views(), [LatchView::Isolated, LatchView::Active(0), LatchView::Active(0)]);
    assert_eq!(fleet.ready(), [false, true, true]);
    let choice = choose(fleet.proxies[0].service("shop"), RequestFacts::default(), &mut BalanceState::default(), 0);
    assert_eq!(choice, Choice::Isolated);
    let alarms = fleet.proxies[0].alarms();
    assert!(alarms.contains("shop: isolated from web2 (connection refused), which px2 and px3 reach"), "{alarms}");

    fleet.see(&[0], "shop/web2", Verdict::Up);
    fleet.pass(Duration::from_secs(1));
    assert_eq!((fleet.views(), fleet.ready()), (vec![LatchView::Active(0); 3], vec![true; 3]));
    assert!(!fleet.proxies[0].alarms().contains("isolated"));
}

#[test]
fn a_backend_that_all_find_down_is_left_as_soon_as_the_last_of_them_has() {
    let mut fleet = Fleet::start();
    fleet.see(&[0], "shop/web2", Verdict::Down);
    fleet.pass(Duration::from_secs(1));
    fleet.see(&[1], "shop/web2", Verdict::Down);
    fleet.pass(Duration::from_secs(1));
    assert_eq!((fleet.epochs(), fleet.views()[0]), (vec![0, 0, 0], LatchView::Hold));
    fleet.see(&[2], "shop/web2", Verdict::Down);
    fleet.exchange();
    assert_eq!((fleet.epochs(), fleet.views()), (vec![1, 1, 1], vec![LatchView::Active(1); 3]));
}

#[test]
fn two_proxies_of_which_each_reaches_another_backend_come_to_rest_without_a_move() {
    let mut fleet = Fleet::start();
    fleet.see(&[0], "shop/web2", Verdict::Down);
    fleet.see(&[1], "shop/web3", Verdict::Down);
    fleet.pass(Duration::from_secs(120));
    assert_eq!(fleet.epochs(), [0, 0, 0]);
    assert_eq!(fleet.views(), [LatchView::Isolated, LatchView::Active(0), LatchView::Active(0)]);
}

#[test]
fn a_peer_that_fell_silent_with_the_backend_counts_no_longer_than_it_was_heard_lately() {
    let mut fleet = Fleet::start();
    fleet.cut = vec![(0, 1), (0, 2)];
    fleet.see(&[0], "shop/web2", Verdict::Down);
    assert_eq!(fleet.epochs()[0], 0, "they said so a moment ago");
    let wakes = fleet.proxies[0].state.wakes(fleet.proxies[0].now).unwrap();
    assert!(
        wakes <= fleet.proxies[0].now.running + RECENT + Duration::from_millis(1),
        "the daemon looks again by then"
    );
    fleet.pass(RECENT + Duration::from_secs(1));
    assert_eq!((fleet.epochs()[0], fleet.views()[0]), (1, LatchView::Active(1)));
}

#[test]
fn what_an_operator_says_moves_a_latch_though_peers_see_the_backend_up() {
    let mut fleet = Fleet::start();
    fleet.see(&[0], "shop/web2", Verdict::Down);
    fleet.pass(LONG);
    let command: FailoverCommand =
        serde_json::from_value(json!({ "service": "shop", "to": null, "who": "alice", "why": "" })).unwrap();
    let now = fleet.proxies[0].now;
    let effects = fleet.proxies[0].state.failover(&command, now).unwrap().effects;
    fleet.proxies[0].carry_out(effects);
    fleet.pass(LONG);
    assert_eq!((fleet.epochs(), fleet.views()), (vec![1, 1, 1], vec![LatchView::Active(1); 3]));
}

#[test]
fn a_proxy_that_reaches_no_backend_of_a_stateless_service_stands_back_for_peers_that_do() {
    let mut fleet = Fleet::start();
    fleet.see(&[0], "www/web1", Verdict::Down);
    fleet.pass(LONG);
    assert_eq!(fleet.ready(), [true, true, true], "it has another one");
    fleet.see(&[0], "www/web2", Verdict::Down);
    assert_eq!(fleet.ready(), [true, true, true], "it may be down everywhere in a moment");
    fleet.pass(LONG);
    assert_eq!(fleet.ready(), [false, true, true]);
    fleet.see(&[1, 2], "www/web1", Verdict::Down);
    fleet.see(&[1, 2], "www/web2", Verdict::Down);
    fleet.pass(LONG);
    assert_eq!(fleet.ready(), [true, true, true], "nobody has a backend of www, and shop is served everywhere");
}

#[test]
fn of_proxies_that_are_all_isolated_from_something_none_stands_back() {
    let mut fleet = Fleet::start();
    fleet.see(&[0, 2], "shop/web2", Verdict::Down);
    fleet.see(&[1], "www/web1", Verdict::Down);
    fleet.see(&[1], "www/web2", Verdict::Down);
    fleet.pass(LONG);
    assert_eq!(fleet.ready(), [true, true, true]);
    let alarms = fleet.proxies[1].alarms();
    assert!(alarms.contains("stays ready, since no peer is that reaches everything"), "{alarms}");
}

#[test]
fn a_verdict_that_no_probe_bears_out_any_more_is_taken_back() {
    let mut fleet = Fleet::start();
    let prepared = fleet.proxies[1].state.prepared.clone();
    let mut known = (*fleet.proxies[1].state.health).clone();
    let now = fleet.proxies[1].now;
    for (target, health) in known.iter_mut() {
        health.proof = target.proof(now.running);
    }
    fleet.proxies[1].take(Event::Health(Arc::new(known)));
    let bound = prepared.service("shop").unwrap().verdict_bound;
    fleet.proxies[1].pass(bound + Duration::from_secs(10));
    assert_eq!(json!(fleet.proxies[1].state.for_peers(fleet.proxies[1].now))["verdicts"], json!({}));
}

#[test]
fn an_isolated_proxy_whose_peers_are_restarted_gives_them_the_time_of_a_start_and_moves_only_then() {
    let mut fleet = Fleet::start();
    fleet.see(&[0], "shop/web2", Verdict::Down);
    fleet.pass(LONG);
    assert_eq!(fleet.views()[0], LatchView::Isolated);
    fleet.cut = vec![(0, 1), (0, 2)];
    fleet.pass(RECENT + Duration::from_secs(2));
    assert_eq!((fleet.epochs()[0], fleet.views()[0]), (0, LatchView::Hold));
    fleet.cut.clear();
    fleet.pass(LONG);
    assert_eq!((fleet.epochs(), fleet.views()[0]), (vec![0, 0, 0], LatchView::Isolated));
    fleet.cut = vec![(0, 1), (0, 2)];
    let grace = fleet.proxies[0].state.prepared.service("shop").unwrap().rules().unwrap().start_grace;
    fleet.pass(RECENT + grace + Duration::from_secs(2));
    assert_eq!(fleet.epochs()[0], 1, "nobody has come back: it decides alone");
}

#[test]
fn a_backend_that_dies_while_one_proxy_is_isolated_from_it_is_left_at_once() {
    let mut fleet = Fleet::start();
    fleet.see(&[0], "shop/web2", Verdict::Down);
    fleet.pass(LONG);
    fleet.see(&[1, 2], "shop/web2", Verdict::Down);
    fleet.pass(Duration::from_secs(1));
    assert_eq!(fleet.epochs(), [1, 1, 1]);
}

#[test]
fn a_proxy_that_is_about_to_end_keeps_nobody_from_moving() {
    let mut fleet = Fleet::start();
    fleet.see(&[0, 1], "shop/web2", Verdict::Down);
    fleet.proxies[2].take(Event::Draining(true));
    fleet.pass(Duration::from_secs(1));
    assert_eq!(fleet.epochs(), [1, 1, 1]);
}

#[test]
fn a_backend_that_is_called_otherwise_in_our_document_is_the_one_that_peers_see_up() {
    let mut fleet = Fleet::start();
    fleet.see(&[0], "shop/web2", Verdict::Down);
    fleet.pass(LONG);
    let text = document_text(0)
        .replace(r#""name":"web2","address":"192.0.2.2:8080""#, r#""address":"192.0.2.2:8080","name":"web9""#);
    let text =
        text.replace(r#""address":"192.0.2.2:8080","name":"web2""#, r#""address":"192.0.2.2:8080","name":"web9""#);
    fleet.proxies[0].take(Event::Reloaded(prepared_from(&text)));
    fleet.pass(LONG);
    assert_eq!(fleet.proxies[0].latch().active, "web9");
    assert_eq!((fleet.epochs(), fleet.views()[0]), (vec![0, 0, 0], LatchView::Isolated));
}

#[test]
fn while_another_process_takes_over_nothing_follows_from_peers_that_were_asked_but_could_not_be_taken_in() {
    let mut fleet = Fleet::start();
    fleet.see(&[0], "shop/web2", Verdict::Down);
    fleet.pass(LONG);
    let proxy = &mut fleet.proxies[0];
    proxy.take(Event::PeersAsked(proxy.now.running));
    // What peers say is held back by the shell meanwhile, and so are the moments that the state has asked for.
    proxy.now.running += RECENT;
    proxy.take(Event::PeersAsked(proxy.now.running));
    proxy.now.running += RECENT;
    let effects = proxy.state.on_event(Event::PeersAsked(proxy.now.running), proxy.now);
    assert!(effects.is_empty(), "{effects:?}");
    assert!(
        proxy.state.latches.get("shop").unwrap().proposed().is_none(),
        "a write that another process would not make"
    );
}

#[test]
fn what_a_silent_peer_would_have_refused_is_refused_when_it_is_only_asked_about() {
    let mut fleet = Fleet::start();
    let ask = |fleet: &mut Fleet| {
        let (subject, state, who) = ("www/web1".to_owned(), OperatorState::Drain, "alice".to_owned());
        let command =
            OperatorCommand { subject, state, who, why: String::new(), for_ms: None, force: false, dry_run: true };
        let now = fleet.proxies[0].now;
        fleet.proxies[0].state.operator(&command, now).map(|accepted| accepted.words)
    };
    assert!(ask(&mut fleet).is_ok());
    fleet.cut = vec![(0, 1)];
    fleet.pass(LONG);
    let Err(CommandError::Conflict(why)) = ask(&mut fleet) else { panic!("web2 could be taken away at px2") };
    assert!(why.starts_with("www would have 1 usable without web1, and px2 did not answer within 2s"), "{why}");
}
