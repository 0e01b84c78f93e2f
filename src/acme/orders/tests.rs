//! Several proxies in one process: what one says the others hear, and the CA is this test.

mod bounds;
mod nameservers;

use super::*;
use crate::acme::material::Secret;
use crate::acme::samples::{record, told};
use crate::acme::steps::{Challenge, Circumstances, OrderRequest};
use crate::config::HostPattern;
use crate::config::acme::{CaConfig, ChallengeKind};

const CA: &str = "https://ca.test/dir";
const DAY: u64 = 86_400_000;
/// The days of a certificate of these tests.
const LIFE: i64 = 90;

const SHOP: &[&str] = &["shop.test"];
const WILD: &[&str] = &["*.shop.test"];
const BOTH: &[&str] = &["shop.test", "www.test"];

/// A document of a proxy with one service `shop` of these hosts; http-01, but for wildcards.
fn terms(own: &str, hosts: &[&str]) -> Terms {
    let ca = CaConfig { directory: CA.into(), contact: Vec::new(), eab: None, ca_file: "/ca".into(), profile: None };
    let is_wild = hosts.iter().any(|host| host.starts_with('*'));
    let challenge = if is_wild { ChallengeKind::Dns01 } else { ChallengeKind::Http01 };
    let hosts: Vec<_> = hosts.iter().map(|host| HostPattern::parse(host).unwrap()).collect();
    let desired = [("shop".to_owned(), Desired { hosts, challenge })].into();
    Terms { own: own.into(), daemon: Daemon::Proxy, ca: Some(Arc::new(ca)), desired }
}

/// A proxy, and what it wants done.
struct Proxy {
    name: &'static str,
    orders: Orders,
    ready: bool,
    wanted: Vec<Effect>,
    /// The last content of each file.
    disk: BTreeMap<File, Secret>,
}

/// Proxies, their clock, and who is cut off.
struct World {
    proxies: Vec<Proxy>,
    now: Now,
    away: Vec<&'static str>,
}

impl World {
    fn new(names: &[&'static str]) -> World {
        World::with(names, SHOP)
    }

    fn with(names: &[&'static str], hosts: &[&str]) -> World {
        let proxy = |name: &&'static str| Proxy {
            name,
            orders: Orders::new(terms(name, hosts), Known::default()),
            ready: true,
            wanted: Vec::new(),
            disk: BTreeMap::new(),
        };
        let now = Now { running: Duration::from_secs(100), unix_ms: DAY };
        World { proxies: names.iter().map(proxy).collect(), now, away: Vec::new() }
    }

    fn at(&mut self, name: &str) -> &mut Proxy {
        self.proxies.iter_mut().find(|proxy| proxy.name == name).unwrap()
    }

    /// Each says what it knows, hears the others, and goes on; until nothing more comes of it.
    fn exchange(&mut self) {
        for _ in 0..4 {
            let said: Vec<_> =
                self.proxies.iter().map(|proxy| (proxy.name, proxy.orders.message(proxy.ready))).collect();
            let (away, now) = (&self.away, self.now);
            for proxy in &mut self.proxies {
                for (name, message) in said.iter().filter(|(name, _)| *name != proxy.name) {
                    if !away.contains(name) && !away.contains(&proxy.name) {
                        assert_eq!(proxy.orders.hear(name, message.clone(), now), Vec::<String>::new());
                    }
                }
                proxy.step(now);
            }
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now.running += Duration::from_millis(ms);
        self.now.unix_ms += ms;
    }

    /// Who began an order since this was asked last.
    fn ordered(&mut self) -> Vec<(&'static str, OrderRequest)> {
        let mut all = Vec::new();
        for proxy in &mut self.proxies {
            while let Some(at) = proxy.wanted.iter().position(|effect| matches!(effect, Effect::Order(_))) {
                let Effect::Order(request) = proxy.wanted.remove(at) else { unreachable!() };
                all.push((proxy.name, *request));
            }
        }
        all
    }

    fn orderers(&mut self) -> Vec<&'static str> {
        self.ordered().into_iter().map(|(name, _)| name).collect()
    }

    fn issue(&mut self, name: &str, ticket: u64) {
        let begins = i64::try_from(self.now.unix_ms / DAY).unwrap();
        let host = self.at(name).orders.desired["shop"].names().remove(0);
        let issued = told(&[&host], begins, begins + LIFE);
        let now = self.now;
        self.at(name).take(Event::Ended(ticket, Ok(Told { obtained: now.unix_ms, ..issued })), now);
    }

    fn refuse(&mut self, name: &str, ticket: u64) {
        let now = self.now;
        let failure = OrderFailure {
            why: "the CA says: no".into(),
            cause: Cause::Refused,
            retry_after: None,
            account_is_gone: false,
        };
        self.at(name).take(Event::Ended(ticket, Err(failure)), now);
    }
}

impl Proxy {
    fn step(&mut self, now: Now) {
        let at = Circumstances { ready: self.ready, draining: false, knows_peers: true };
        let effects = self.orders.step(at, now);
        self.carry_out(effects, now);
    }

    fn take(&mut self, event: Event, now: Now) {
        let effects = self.orders.on_event(event, now);
        self.carry_out(effects, now);
        self.step(now);
    }

    fn carry_out(&mut self, effects: Vec<Effect>, now: Now) {
        for effect in effects {
            match effect {
                Effect::Write(file, content) => {
                    self.disk.insert(file.clone(), content);
                    self.orders.on_event(Event::Written(file, Ok(())), now);
                }
                Effect::Log(..) => {}
                effect => self.wanted.push(effect),
            }
        }
    }

    fn went_on(&mut self) -> bool {
        let before = self.wanted.len();
        self.wanted.retain(|effect| !matches!(effect, Effect::GoOn(_)));
        before != self.wanted.len()
    }

    /// What of failures is on its disk.
    fn stored_failures(&self) -> BTreeMap<String, Failures> {
        let stored: serde_json::Value = serde_json::from_str(self.disk[&File::Failures].reveal()).unwrap();
        serde_json::from_value(stored["failures"].clone()).unwrap()
    }

    /// It begins again with the failures that are on its disk, and nothing else.
    fn restart_without_certificates(&mut self) {
        let known = Known { failures: self.stored_failures(), ..Known::default() };
        self.orders = Orders::new(terms(self.name, SHOP), known);
    }

    fn pem(&self) -> Option<&Secret> {
        self.orders.certificates.get("shop").map(|issued| &issued.told().pem)
    }

    fn answers(&self, token: &str) -> bool {
        let path = format!("/.well-known/acme-challenge/{token}");
        self.orders.challenges(Now::default()).answer(path.as_bytes()).is_some()
    }
}

fn challenged(ticket: u64) -> Event {
    let challenge = Challenge::Http { token: "token".into(), answer: Secret::new("token.digest") };
    Event::Challenged(ticket, vec![challenge])
}

#[test]
fn of_all_proxies_the_ready_one_with_the_lowest_name_orders_and_everybody_gets_the_certificate() {
    let mut world = World::new(&["px-1", "px-2", "px-3"]);
    world.at("px-1").ready = false;
    // None has heard another one yet: without that nobody would begin.
    for proxy in &mut world.proxies {
        let at = Circumstances { ready: true, draining: false, knows_peers: false };
        assert!(proxy.orders.step(at, world.now).iter().all(|effect| matches!(effect, Effect::Write(..))));
    }
    let said: Vec<_> = world.proxies.iter().map(|proxy| (proxy.name, proxy.orders.message(proxy.ready))).collect();
    for proxy in &mut world.proxies {
        for (name, message) in said.iter().filter(|(name, _)| *name != proxy.name) {
            proxy.orders.hear(name, message.clone(), world.now);
        }
    }
    world.exchange();
    let ordered = world.ordered();
    assert_eq!(ordered.len(), 1);
    assert_eq!((ordered[0].0, ordered[0].1.names.as_slice()), ("px-2", &["shop.test".to_owned()][..]));
    world.issue("px-2", ordered[0].1.ticket);
    world.exchange();
    let pem = world.at("px-2").pem().cloned();
    for proxy in &world.proxies {
        assert_eq!(proxy.pem(), pem.as_ref(), "{}", proxy.name);
        assert!(proxy.disk[&File::Certificate("shop".into())].reveal().contains(pem.as_ref().unwrap().reveal()));
    }
    assert!(world.orderers().is_empty());
    assert_eq!(world.at("px-2").orders.ended(), (1, 0));
}

#[test]
fn the_ca_may_look_when_every_peer_that_is_heard_answers_and_afterwards_nobody_does() {
    let mut world = World::new(&["px-1", "px-2", "px-3"]);
    world.exchange();
    let ticket = world.ordered()[0].1.ticket;
    // One is gone, and one does not hear for a while.
    world.away = vec!["px-3"];
    world.pass(6_000);
    world.exchange();
    let now = world.now;
    world.at("px-1").take(challenged(ticket), now);
    assert!(!world.at("px-1").went_on(), "px-2 has not been told");
    assert!(world.at("px-1").answers("token"));
    world.exchange();
    assert!(world.at("px-1").went_on());
    assert!(world.at("px-2").answers("token") && !world.at("px-3").answers("token"));
    world.issue("px-1", ticket);
    world.exchange();
    assert!(world.proxies.iter().all(|proxy| !proxy.answers("token")));
}

#[test]
fn a_peer_that_is_heard_and_does_not_answer_ends_the_order_before_the_ca_is_asked() {
    let mut world = World::new(&["px-1", "px-2"]);
    world.exchange();
    let ticket = world.ordered()[0].1.ticket;
    let now = world.now;
    world.at("px-1").take(challenged(ticket), now);
    // An earlier version: it is heard, and says nothing of this.
    for _ in 0..25 {
        world.pass(1_000);
        let now = world.now;
        world.at("px-1").orders.note_heard("px-2", now);
        world.at("px-1").step(now);
    }
    let proxy = world.at("px-1");
    assert!(!proxy.went_on());
    assert!(proxy.wanted.iter().any(|effect| matches!(effect, Effect::Cancel)));
    let alarms = proxy.orders.alarms(now).join("\n");
    assert!(alarms.contains("px-2 did not take the challenge"), "{alarms}");
    assert_eq!(proxy.orders.failures["shop"].cause, Cause::Unasked);
}

#[test]
fn when_the_proxy_that_orders_is_gone_in_the_middle_the_next_one_orders_and_the_first_one_not_again() {
    let mut world = World::new(&["px-1", "px-2", "px-3"]);
    world.exchange();
    assert_eq!(world.orderers(), ["px-1"]);
    let now = world.now;
    world.at("px-1").take(challenged(1), now);
    world.exchange();
    world.away = vec!["px-1"];
    world.pass(4_000);
    world.exchange();
    assert!(world.orderers().is_empty(), "it may be slow");
    world.pass(4_000);
    world.exchange();
    assert_eq!(world.orderers(), ["px-2"]);
    // It comes back without what it knew, while the other one orders.
    let again = Orders::new(terms("px-1", SHOP), Known::default());
    world.at("px-1").orders = again;
    world.away.clear();
    let said = world.at("px-2").orders.message(true);
    let now = world.now;
    world.at("px-1").orders.hear("px-2", said, now);
    world.exchange();
    assert!(world.orderers().is_empty(), "px-2 orders it");
    world.issue("px-2", 1);
    world.exchange();
    assert_eq!(world.at("px-1").pem().cloned(), world.at("px-2").pem().cloned());
    assert!(world.orderers().is_empty());
}

#[test]
fn two_that_order_because_they_do_not_hear_each_other_agree_when_they_do() {
    let mut world = World::new(&["px-1", "px-2"]);
    world.away = vec!["px-2"];
    world.exchange();
    let mut both = world.ordered();
    both.sort_by_key(|(name, _)| *name);
    assert_eq!(both.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["px-1", "px-2"]);
    world.issue("px-1", both[0].1.ticket);
    world.issue("px-2", both[1].1.ticket);
    assert_ne!(world.at("px-1").pem().cloned(), world.at("px-2").pem().cloned());
    world.away.clear();
    world.exchange();
    assert_eq!(world.at("px-1").pem().cloned(), world.at("px-2").pem().cloned());
    assert!(world.orderers().is_empty());
}

#[test]
fn an_order_that_failed_is_tried_again_after_a_pause_by_whoever_it_is_and_no_restart_shortens_it() {
    let mut world = World::new(&["px-1", "px-2"]);
    world.exchange();
    let ticket = world.ordered()[0].1.ticket;
    world.refuse("px-1", ticket);
    world.exchange();
    world.pass(60_000);
    world.exchange();
    assert!(world.orderers().is_empty());
    // The other one's turn, and then the first one's again, who only has its disk.
    world.away = vec!["px-1"];
    world.pass(10_000);
    world.exchange();
    assert!(world.orderers().is_empty(), "px-2 knows of the failure");
    let now = world.now;
    assert!(world.at("px-2").orders.alarms(now)[0].contains("the CA says: no"));
    world.at("px-1").restart_without_certificates();
    world.exchange();
    assert!(world.orderers().is_empty(), "px-1 has it on its disk");
    world.away.clear();
    world.pass(60_000);
    world.exchange();
    assert_eq!(world.orderers(), ["px-1"]);
    world.refuse("px-1", 1);
    assert_eq!(world.at("px-1").orders.failures["shop"].count, 2);
}

#[test]
fn a_process_that_does_not_live_to_see_the_end_of_its_order_pauses_when_it_is_started_again() {
    let mut world = World::new(&["px-1"]);
    world.exchange();
    assert_eq!(world.orderers(), ["px-1"]);
    assert!(world.at("px-1").orders.failures.is_empty(), "peers hear of no failure, and may order");
    for count in 1..4 {
        assert_eq!(world.at("px-1").stored_failures()["shop"].count, count);
        world.at("px-1").restart_without_certificates();
        world.exchange();
        assert!(world.orderers().is_empty());
        world.pass(60_000 << count);
        world.exchange();
        assert_eq!(world.orderers(), ["px-1"]);
    }
}

#[test]
fn a_certificate_is_renewed_at_two_thirds_of_its_life_or_when_the_ca_says_so() {
    let mut world = World::new(&["px-1"]);
    world.exchange();
    let (_, request) = world.ordered().remove(0);
    assert!(request.replaces.is_none());
    let now = world.now;
    let account = Account { made: 1, credentials: Secret::new("{}") };
    world.at("px-1").take(Event::AccountMade(request.ticket, account), now);
    world.issue("px-1", request.ticket);
    let first = world.at("px-1").pem().cloned();
    world.pass(59 * DAY);
    world.exchange();
    assert!(world.orderers().is_empty());
    world.pass(4 * DAY);
    world.exchange();
    let (_, request) = world.ordered().remove(0);
    assert_eq!(request.replaces.as_ref().map(|issued| &issued.told().pem), first.as_ref());
    assert!(request.account.is_some());
    world.issue("px-1", request.ticket);
    assert_ne!(world.at("px-1").pem().cloned(), first);

    // The question about the last one is not answered any more: after a while the next one is asked.
    world.pass(130_000);
    world.exchange();

    // The CA is asked, and wants it earlier: it has to revoke it.
    let asked = |proxy: &mut Proxy| {
        let at = proxy.wanted.iter().rposition(|effect| matches!(effect, Effect::AskRenewal { .. })).unwrap();
        let Effect::AskRenewal { issued, .. } = proxy.wanted.remove(at) else { unreachable!() };
        proxy.wanted.clear();
        issued.number()
    };
    let number = asked(world.at("px-1"));
    let now = world.now;
    let six_hours = Duration::from_secs(6 * 3600);
    let ends = world.at("px-1").orders.certificates["shop"].ends();
    let too_late = Window { start: ends - DAY, end: ends + DAY };
    let event = Event::Suggested { service: "shop".into(), number, answer: Some((too_late, six_hours)) };
    world.at("px-1").take(event, now);
    let renewal = world.at("px-1").orders.renewal("shop").unwrap();
    assert!(renewal <= ends - 90 * DAY / 6, "whatever the CA says, a sixth of the life is left");
    let window = Window { start: now.unix_ms + DAY, end: now.unix_ms + 2 * DAY };
    let event = Event::Suggested { service: "shop".into(), number, answer: Some((window, six_hours)) };
    world.at("px-1").take(event, now);
    let renewal = world.at("px-1").orders.renewal("shop").unwrap();
    assert!((window.start..=window.end).contains(&renewal));
    assert_eq!(world.at("px-1").orders.message(true).renewals["shop"], renewal, "peers are told");
    world.pass(5 * 3_600_000);
    world.exchange();
    assert!(world.at("px-1").wanted.is_empty(), "the CA said when to ask again");
    world.pass(2 * 3_600_000);
    world.exchange();
    asked(world.at("px-1"));
    world.pass(2 * DAY);
    world.exchange();
    assert_eq!(world.orderers(), ["px-1"]);
}

#[test]
fn records_of_dns_are_published_before_the_ca_looks_and_withdrawn_afterwards() {
    let mut world = World::with(&["px-1"], WILD);
    world.exchange();
    let ticket = world.ordered()[0].1.ticket;
    let record = record("shop.test", 1);
    let now = world.now;
    let proxy = world.at("px-1");
    proxy.take(Event::Challenged(ticket, vec![Challenge::Dns(record.clone())]), now);
    let published = |proxy: &mut Proxy| -> Vec<Vec<TxtRecord>> {
        let all = std::mem::take(&mut proxy.wanted).into_iter();
        all.filter_map(|effect| if let Effect::PublishRecords(records) = effect { Some(records) } else { None })
            .collect()
    };
    assert_eq!(published(proxy), [vec![record.clone()]]);
    assert!(!proxy.went_on());
    proxy.take(Event::RecordsPublished(vec![], Ok(())), now);
    assert!(!proxy.went_on(), "of another order");
    proxy.take(Event::RecordsPublished(vec![record.clone()], Ok(())), now);
    assert!(proxy.went_on());
    world.issue("px-1", ticket);
    assert_eq!(published(world.at("px-1")), [Vec::new()]);

    // A nameserver that does not take them is told to the operator, and the CA is not asked.
    world.at("px-1").orders = Orders::new(terms("px-1", WILD), Known::default());
    world.exchange();
    let ticket = world.ordered()[0].1.ticket;
    let proxy = world.at("px-1");
    proxy.take(Event::Challenged(ticket, vec![Challenge::Dns(record.clone())]), now);
    proxy.take(Event::RecordsPublished(vec![record], Err("ns-1 does not answer".into())), now);
    assert!(!proxy.went_on());
    assert!(proxy.orders.alarms(now)[0].contains("ns-1 does not answer"));
}

#[test]
fn other_hosts_are_ordered_at_once_and_an_order_for_the_old_ones_ends() {
    let mut world = World::new(&["px-1"]);
    world.exchange();
    let ticket = world.ordered()[0].1.ticket;
    let effects = world.at("px-1").orders.reload(terms("px-1", BOTH));
    assert!(matches!(effects[..], [Effect::Cancel]));
    world.issue("px-1", ticket);
    assert!(world.at("px-1").pem().is_none(), "nobody waits for it any more");
    world.exchange();
    assert_eq!(world.ordered()[0].1.names, ["shop.test", "www.test"]);
}

#[test]
fn an_account_that_the_ca_does_not_know_is_made_anew_and_all_use_the_new_one() {
    let mut world = World::new(&["px-1", "px-2"]);
    world.exchange();
    let ticket = world.ordered()[0].1.ticket;
    let now = world.now;
    let account = |made: u64| Account { made, credentials: Secret::new(made.to_string()) };
    world.at("px-1").take(Event::AccountMade(ticket, account(1)), now);
    let failure = OrderFailure { why: "gone".into(), cause: Cause::Unasked, retry_after: None, account_is_gone: true };
    world.at("px-1").take(Event::Ended(ticket, Err(failure)), now);
    world.exchange();
    assert_eq!(world.at("px-2").orders.accounts[CA], account(1));
    world.pass(6_000);
    world.exchange();
    let (_, request) = world.ordered().remove(0);
    assert!(request.account.is_none());
    // The clock of this proxy has gone back since the first one was made.
    let anew = Account { made: 0, credentials: Secret::new("anew") };
    world.at("px-1").take(Event::AccountMade(request.ticket, anew.clone()), now);
    world.exchange();
    let all = Account { made: 2, ..anew };
    assert!(world.proxies.iter().all(|proxy| proxy.orders.accounts[CA] == all));
}

#[test]
fn a_write_that_fails_is_an_alarm_and_tried_again() {
    let mut orders = Orders::new(terms("px-1", SHOP), Known::default());
    let mut now = Now { running: Duration::from_secs(100), unix_ms: DAY };
    let at = Circumstances { ready: false, draining: false, knows_peers: false };
    orders.take_account(CA.into(), Account { made: 1, credentials: Secret::new("{}") });
    assert!(matches!(orders.step(at, now)[..], [Effect::Write(File::Accounts, _)]));
    orders.on_event(Event::Written(File::Accounts, Err("disk full".into())), now);
    assert!(orders.step(at, now).is_empty() && orders.is_writing());
    assert!(orders.alarms(now)[0].contains("disk full"));
    now.running += Duration::from_secs(2);
    assert!(matches!(orders.step(at, now)[..], [Effect::Write(File::Accounts, _)]));
    orders.on_event(Event::Written(File::Accounts, Ok(())), now);
    assert!(orders.alarms(now).is_empty() && !orders.is_writing());
}
