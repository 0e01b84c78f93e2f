use super::super::condition::{Condition, covers_path};
use super::*;

const HOSTS: &[&str] = &["*", "a.test", "b.test", "*.test", "*.a.test", "x.a.test"];
const PATHS: &[&str] = &["/", "/p", "/p/q", "/r", "/p/q/s"];
/// What is asked: hosts and paths that the rules name, and some that none names.
const ASKED: [(&str, &str); 15] = [
    ("a.test", "/"),
    ("a.test", "/p"),
    ("a.test", "/p/q/x"),
    ("a.test", "/px"),
    ("b.test", "/r/1"),
    ("b.test", "/p"),
    ("c.test", "/p/q"),
    ("c.test", "/"),
    ("x.a.test", "/p/q/s/t"),
    ("y.a.test", "/r"),
    ("y.a.test", "/"),
    ("other", "/p"),
    ("other", "/"),
    ("x.a.test", "/p"),
    ("z.test", "/p/q/s"),
];

fn random_condition(random: &mut fastrand::Rng, depth: u32) -> Condition {
    let hosts = |random: &mut fastrand::Rng| {
        let number = random.usize(1..3);
        (0..number).map(|_| HostPattern::parse(HOSTS[random.usize(..HOSTS.len())]).expect("a host")).collect()
    };
    match random.u32(..if depth == 0 { 3 } else { 7 }) {
        0 => Condition::Always,
        1 => Condition::Host(hosts(random)),
        2 => Condition::Path(vec![PATHS[random.usize(..PATHS.len())].to_owned()]),
        3 => Condition::Tls,
        4 => random_condition(random, depth - 1).negated(),
        5 => Condition::All((0..random.u32(1..3)).map(|_| random_condition(random, depth - 1)).collect()),
        _ => Condition::Any((0..random.u32(1..3)).map(|_| random_condition(random, depth - 1)).collect()),
    }
}

/// The second statement: a condition asked of one request.
fn holds(condition: &Condition, host: &str, path: &str, tls: bool) -> bool {
    match condition {
        Condition::Always => true,
        Condition::Tls => tls,
        Condition::Host(patterns) => patterns.iter().any(|pattern| matches(pattern, host)),
        Condition::Path(prefixes) => prefixes.iter().any(|prefix| prefix == "/" || covers_path(prefix, path)),
        Condition::Not(condition) => !holds(condition, host, path, tls),
        Condition::All(all) => all.iter().all(|condition| holds(condition, host, path, tls)),
        Condition::Any(any) => any.iter().any(|condition| holds(condition, host, path, tls)),
    }
}

fn matches(pattern: &HostPattern, host: &str) -> bool {
    match pattern {
        HostPattern::Any => true,
        HostPattern::Exact(name) => name == host,
        HostPattern::Suffix(suffix) => host.ends_with(&format!(".{suffix}")),
    }
}

/// polder's rule: the narrowest host that matches, and of that the longest path.
fn entry_of<'a>(placed: &'a [Placed], host: &str, path: &str) -> Option<&'a Placed> {
    let narrow = |pattern: &HostPattern| match pattern {
        HostPattern::Any => 0,
        HostPattern::Suffix(suffix) => 1 + suffix.len(),
        HostPattern::Exact(_) => usize::MAX,
    };
    let entries = placed.iter().flat_map(|entry| entry.hosts.iter().map(move |host| (host, entry)));
    let of_host: Vec<_> = entries.filter(|(pattern, _)| matches(pattern, host)).collect();
    let narrowest = of_host.iter().map(|(pattern, _)| narrow(pattern)).max()?;
    let here = of_host.into_iter().filter(|(pattern, _)| narrow(pattern) == narrowest);
    let paths = here.flat_map(|(_, entry)| entry.paths.iter().map(move |prefix| (prefix, entry)));
    let covering = paths.filter(|(prefix, _)| *prefix == "/" || covers_path(prefix, path));
    covering.max_by_key(|(prefix, _)| prefix.len()).map(|(_, entry)| entry)
}

fn looked_up(placed: &[Placed], host: &str, path: &str) -> Option<usize> {
    entry_of(placed, host, path)
        .and_then(|entry| if let Target::Place(place) = entry.target { Some(place) } else { None })
}

/// Rules in the order of a configuration, each with a target of its own, the last of them for everything: for every request the
/// table has the target of the first rule that holds.
#[test]
fn the_table_has_for_each_request_the_target_of_the_first_rule_that_holds() {
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..700 {
        let number = random.usize(..6);
        let mut rules: Vec<Rule> = (0..number)
            .map(|n| Rule {
                line: 1,
                statement: format!("rule {n}"),
                condition: random_condition(&mut random, 2),
                effect: Effect::Send(n),
            })
            .collect();
        rules.push(Rule {
            line: 1,
            statement: "default".to_owned(),
            // In some rounds not everything is answered.
            condition: if round % 4 == 0 { host("a.test") } else { Condition::Always },
            effect: Effect::Send(number),
        });
        let front = Front { line: 1, statement: "front".to_owned(), clear: true, tls: None, rules };
        let placed = compile(std::slice::from_ref(&front), &mut Notes::default()).expect("it is small");
        for (host, path) in ASKED {
            let first = front.rules.iter().position(|rule| holds(&rule.condition, host, path, false));
            assert_eq!(looked_up(&placed, host, path), first, "round {round}: {host}{path}: {front:#?}\n{placed:#?}");
        }
    }
}

fn rule(line: u32, condition: Condition, effect: Effect) -> Rule {
    Rule { line, statement: format!("rule of line {line}"), condition, effect }
}

fn host(name: &str) -> Condition {
    Condition::Host(vec![HostPattern::parse(name).expect("a host")])
}

fn told(notes: Notes) -> Vec<(u32, String)> {
    notes.into_vec().into_iter().map(|note| (note.line, note.why)).collect()
}

#[test]
fn a_rule_that_no_request_reaches_is_told() {
    let rules = vec![rule(2, Condition::Always, Effect::Send(0)), rule(3, host("a.test"), Effect::Send(1))];
    let front = Front { line: 1, statement: String::new(), clear: true, tls: None, rules };
    let mut notes = Notes::default();
    let placed = compile(&[front], &mut notes).expect("small");
    assert_eq!(placed.len(), 1);
    assert_eq!(told(notes), [(3, "no request comes to it: the rules before it have them all".to_owned())]);
}

#[test]
fn what_nothing_answers_below_a_path_that_is_served_is_answered_404() {
    let path = Condition::Path(vec!["/admin".to_owned()]);
    let rules = vec![rule(2, path, Effect::Refuse), rule(3, host("a.test"), Effect::Send(0))];
    let front = Front { line: 1, statement: String::new(), clear: true, tls: None, rules };
    let placed = compile(&[front], &mut Notes::default()).expect("small");
    let of_admin = placed.iter().find(|entry| entry.paths == ["/admin"]).expect("an entry for it");
    assert_eq!(of_admin.line, 2);
    assert!(matches!(&of_admin.target, Target::Own(keys) if keys.get("answer").is_some()), "{of_admin:?}");
}

#[test]
fn a_redirect_to_https_in_clear_text_belongs_to_the_services_that_tls_serves() {
    let clear = Front {
        line: 1,
        statement: String::new(),
        clear: true,
        tls: None,
        rules: vec![rule(2, Condition::Tls.negated(), Effect::ToHttps)],
    };
    let certificates = Tree::Text("certificates".to_owned());
    let secure = Front {
        line: 3,
        statement: String::new(),
        clear: false,
        tls: Some(certificates.clone()),
        rules: vec![rule(4, host("a.test"), Effect::Send(0)), rule(5, Condition::Always, Effect::Send(1))],
    };
    let mut notes = Notes::default();
    let placed = compile(&[clear, secure], &mut notes).expect("small");
    assert_eq!(placed.len(), 2);
    assert!(placed.iter().all(|placed| placed.to_https && placed.tls.as_ref() == Some(&certificates)), "{placed:?}");
    assert_eq!(told(notes), []);
}

#[test]
fn two_fronts_that_send_one_host_to_two_places_are_told() {
    let front = |line, target| Front {
        line,
        statement: String::new(),
        clear: true,
        tls: None,
        rules: vec![rule(line + 1, host("a.test"), Effect::Send(target))],
    };
    let mut notes = Notes::default();
    let placed = compile(&[front(1, 0), front(5, 1)], &mut notes).expect("small");
    assert_eq!(placed.iter().map(|placed| placed.target.clone()).collect::<Vec<_>>(), [Target::Place(0)]);
    let lines: Vec<u32> = told(notes).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [5, 6], "that listeners share, and what is left out");
}

#[test]
fn more_than_can_be_put_in_order_is_an_error() {
    let rules = (0..2000).map(|n| {
        let both = host(&format!("h{n}.test")).and(Condition::Path(vec![format!("/p{n}")]));
        rule(n, both, Effect::Send(0))
    });
    let front = Front { line: 1, statement: String::new(), clear: true, tls: None, rules: rules.collect() };
    assert!(compile(&[front], &mut Notes::default()).is_err());
}

fn only(networks: &[&str]) -> Effect {
    Effect::Set(Table::new().with("allow", networks.to_vec()))
}

/// Of fronts that share a service, the guards of each are asked at all of them.
#[test]
fn a_guard_of_one_front_is_a_guard_of_the_service_that_both_share() {
    let open = vec![rule(2, Condition::Always, Effect::Send(0))];
    let closed = vec![rule(5, Condition::Always, only(&["10.0.0.0/8"])), rule(6, Condition::Always, Effect::Send(0))];
    let by_tls =
        vec![rule(7, Condition::Tls.negated(), only(&["10.0.0.0/8"])), rule(8, Condition::Always, Effect::Send(0))];
    let front = |line, clear: bool, secure: bool, rules: &Vec<Rule>| Front {
        line,
        statement: String::new(),
        clear,
        tls: secure.then(|| Tree::Text("acme".to_owned())),
        rules: rules.clone(),
    };
    for (fronts, line) in [
        (vec![front(1, true, false, &closed), front(4, false, true, &open)], 5),
        (vec![front(1, true, false, &open), front(4, true, false, &closed)], 5),
        (vec![front(1, false, true, &closed), front(4, true, false, &open)], 5),
        (vec![front(1, true, true, &by_tls)], 7),
    ] {
        let mut notes = Notes::default();
        let placed = compile(&fronts, &mut notes).expect("small");
        assert_eq!(placed.len(), 1, "{placed:?}");
        assert!(placed[0].settings.get("allow").is_some(), "{placed:?}");
        assert!(told(notes).contains(&(line, EVERYWHERE.to_owned())), "{fronts:?}");
    }
}

#[test]
fn fronts_whose_guards_leave_nobody_together_come_to_403() {
    let front = |line, network| Front {
        line,
        statement: String::new(),
        clear: true,
        tls: None,
        rules: vec![
            rule(line, Condition::Always, only(&[network])),
            rule(line + 1, Condition::Always, Effect::Send(0)),
        ],
    };
    let mut notes = Notes::default();
    let placed = compile(&[front(1, "10.0.0.0/8"), front(5, "192.0.2.0/24")], &mut notes).expect("small");
    assert!(matches!(&placed[0].target, Target::Own(keys) if answers::is_error(keys)), "{placed:?}");
    assert!(told(notes).iter().any(|(line, why)| *line == 2 && why.contains("answered 403")));
}

#[test]
fn a_refusal_that_another_front_does_not_make_is_told_as_a_danger() {
    let refuse = Effect::Answer(answers::answer(403, None, ""));
    let path = Condition::Path(vec!["/admin".to_owned()]);
    let front = |line, rules| Front { line, statement: String::new(), clear: true, tls: None, rules };
    let open = front(1, vec![rule(2, host("a.test"), Effect::Send(0))]);
    let closed = front(4, vec![rule(5, path, refuse), rule(6, Condition::Always, Effect::Send(0))]);
    let mut notes = Notes::default();
    compile(&[open, closed], &mut notes).expect("small");
    let told = told(notes);
    assert!(told.iter().any(|(line, why)| *line == 5 && why.ends_with("what it refuses is served here")), "{told:?}");
}

/// What a request is answered with: the place of a target, an error, a redirect to https; nothing, and 404, are one.
#[derive(Debug, PartialEq, Eq)]
enum Met {
    Nothing,
    Sent(usize),
    Refused,
    ToHttps,
}

fn met_by_rules(front: &Front, host: &str, path: &str, tls: bool) -> (Met, Option<u32>) {
    match front.rules.iter().find(|rule| holds(&rule.condition, host, path, tls)) {
        None => (Met::Nothing, None),
        Some(Rule { line, effect, .. }) => {
            let met = match effect {
                Effect::Send(place) => Met::Sent(*place),
                Effect::Answer(_) => Met::Refused,
                Effect::ToHttps => Met::ToHttps,
                Effect::Refuse => Met::Nothing,
                Effect::Set(_) => panic!("the test makes none"),
            };
            (met, Some(*line))
        }
    }
}

fn met_by_table(placed: &[Placed], host: &str, path: &str, tls: bool) -> Met {
    let Some(entry) = entry_of(placed, host, path) else { return Met::Nothing };
    match &entry.target {
        _ if tls && entry.tls.is_none() => Met::Nothing,
        _ if !tls && entry.to_https => Met::ToHttps,
        Target::Place(place) => Met::Sent(*place),
        Target::Own(keys) if keys.get("redirect").is_some() => Met::ToHttps,
        Target::Own(keys) if *keys == answers::answer(404, None, "") => Met::Nothing,
        Target::Own(_) => Met::Refused,
    }
}

fn random_front(random: &mut fastrand::Rng, place: usize) -> Front {
    let line = u32::try_from(place * 100).expect("few");
    let rules = (1..=random.u32(1..5)).map(|n| {
        let condition = if random.bool() { Condition::Always } else { random_condition(random, 2) };
        let effect = match random.u32(..8) {
            0 => Effect::Refuse,
            1 => Effect::Answer(answers::answer(403, None, "")),
            2 => return rule(line + n, condition.and(Condition::Tls.negated()), Effect::ToHttps),
            3 => Effect::ToHttps,
            _ => Effect::Send(random.usize(..4)),
        };
        rule(line + n, condition, effect)
    });
    let rules = rules.collect();
    let (clear, secure) = [(true, false), (false, true), (true, true)][random.usize(..3)];
    Front { line, statement: format!("front {place}"), clear, tls: secure.then(|| "certificates".into()), rules }
}

/// Fronts of listeners in clear text and over TLS: each request that one of them gets is answered as its rules say, or the rule
/// that has it is told; where none has it and the table has an answer, the front is told, or a rule by which the answer came.
#[test]
fn what_the_table_does_not_answer_as_the_rules_of_a_front_do_is_told() {
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..1500 {
        let number = random.usize(1..4);
        let fronts: Vec<Front> = (1..=number).map(|place| random_front(&mut random, place)).collect();
        let mut notes = Notes::default();
        let placed = compile(&fronts, &mut notes).expect("it is small");
        let told = told(notes);
        let is_told = |line: u32| told.iter().any(|(other, _)| *other == line);
        for (host, path, tls, front) in ASKED.iter().flat_map(|(host, path)| {
            let both = [false, true].into_iter().flat_map(|tls| fronts.iter().map(move |front| (tls, front)));
            both.map(move |(tls, front)| (host, path, tls, front))
        }) {
            if !(if tls { front.tls.is_some() } else { front.clear }) {
                continue;
            }
            let (wanted, line) = met_by_rules(front, host, path, tls);
            let met = met_by_table(&placed, host, path, tls);
            let mut others = fronts.iter().flat_map(|other| {
                let lines = [false, true].map(|tls| met_by_rules(other, host, path, tls).1);
                lines.into_iter().flatten().chain([other.line])
            });
            let is_told = match line {
                Some(line) if wanted != Met::Nothing => is_told(line),
                // A path below one that is sent to https goes along with it, to be answered 404 there.
                _ if met == Met::ToHttps && met_by_table(&placed, host, path, true) == Met::Nothing => true,
                _ => others.any(is_told),
            };
            assert!(
                wanted == met || is_told,
                "round {round}: {host}{path}, TLS {tls}: {wanted:?} by line {line:?}, and the table has {met:?}: {fronts:#?}\n{placed:#?}\n{told:#?}"
            );
        }
    }
}

#[test]
fn what_one_listener_sends_to_https_another_does_not_serve_in_clear_text() {
    let front = |line, clear, secure: bool, rules| Front {
        line,
        statement: String::new(),
        clear,
        tls: secure.then(|| "certificates".into()),
        rules,
    };
    let public = front(1, true, false, vec![rule(2, Condition::Tls.negated(), Effect::ToHttps)]);
    let lan = front(4, true, true, vec![rule(5, host("a.test"), Effect::Send(0))]);
    for fronts in [[public.clone(), lan.clone()], [lan, public]] {
        let mut notes = Notes::default();
        let placed = compile(&fronts, &mut notes).expect("small");
        let told = told(notes);
        assert!(placed.iter().all(|entry| entry.to_https), "{placed:?}");
        assert!(
            told.iter().any(|(line, why)| *line == 5 && why.starts_with("line 2 sends the host a.test")),
            "{told:?}"
        );
    }
}

#[test]
fn a_redirect_to_https_of_a_proxy_without_tls_is_a_redirect() {
    let rules = vec![rule(2, Condition::Always, Effect::ToHttps)];
    let front = Front { line: 1, statement: String::new(), clear: true, tls: None, rules };
    let placed = compile(&[front], &mut Notes::default()).expect("small");
    assert!(
        matches!(&placed[..], [entry] if matches!(&entry.target, Target::Own(keys) if keys.get("redirect").is_some()))
    );
}

#[test]
fn who_refuses_all_hosts_but_its_own_leaves_the_others_to_another_listener() {
    let refuse = Effect::Answer(answers::answer(403, None, ""));
    let front = |line, rules| Front { line, statement: String::new(), clear: true, tls: None, rules };
    let public =
        front(1, vec![rule(2, host("www.test"), Effect::Send(0)), rule(3, Condition::Always, Effect::Send(0))]);
    let intern = front(5, vec![rule(6, host("i.test").negated(), refuse), rule(7, Condition::Always, Effect::Send(1))]);
    let mut notes = Notes::default();
    let placed = compile(&[public, intern], &mut notes).expect("small");
    let at = |host: &str| entry_of(&placed, host, "/").map(|entry| entry.target.clone());
    assert_eq!(at("foo.test"), Some(Target::Place(0)), "{placed:?}");
    assert_eq!(at("i.test"), Some(Target::Place(1)), "{placed:?}");
    let lines: Vec<u32> = told(notes).into_iter().map(|(line, _)| line).collect();
    assert!(lines.contains(&3) && lines.contains(&6), "{lines:?}");
}
