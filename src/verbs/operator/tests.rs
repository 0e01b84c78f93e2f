use super::*;
use crate::api::daemon::PeerStatus;
use crate::push::error::Error;
use crate::verbs::status::tests::examples::{replies, reply};

#[test]
fn nameservers_that_were_not_reached_are_named_with_how_long_their_answers_last() {
    let results = |daemon: &str, outcome| CommandResult {
        daemon: daemon.to_owned(),
        subject: "http0.l.example.net/px-1".to_owned(),
        outcome,
        words: String::new(),
        cached_until: None,
        unchanged: false,
    };
    let replies = replies();
    assert_eq!(missed_nameservers(&[results("ns-1", Outcome::Done)], &replies, OperatorState::Drain), None);
    let all = [results("ns-1", Outcome::Done), results("ns-2", Outcome::Missed)];
    let said = missed_nameservers(&all, &replies, OperatorState::Drain).unwrap_or_default();
    assert!(said.starts_with("Not reached: ns-2. A nameserver that runs all the same goes on"), "{said}");
    assert!(said.contains("for 300 s more"), "{said}");
    let said = missed_nameservers(&all, &replies, OperatorState::Ready).unwrap_or_default();
    assert!(!said.contains(" s more"), "{said}");
}

/// What is told of `named`, as `DAEMON PATH SUBJECT`: first what daemons are asked, then what they are told.
fn sent(state: OperatorState, named: &str, force: bool, replies: &[DaemonReply]) -> (Vec<String>, Vec<String>) {
    let target = TargetArgs { subject: named.to_owned(), why: String::new(), daemons: DaemonsArg::default() };
    let args = StateArgs { force, ..StateArgs::from(target) };
    let subjects = find_subjects(named, replies);
    let order = Order { state, args: &args, replies, subjects: &subjects };
    let moves = order.moves();
    let in_words = |dry_run: bool, commands: Vec<Command>| -> Vec<String> {
        let of = |one: &Command| {
            assert_eq!(one.body["dry_run"].as_bool().unwrap_or_default(), dry_run, "{}", one.body);
            format!("{} {} {}", one.name, one.path, one.subject)
        };
        commands.iter().map(of).collect()
    };
    let mut told = order.steps(&moves, false);
    told.extend(order.commands(subjects.keys(), false));
    (in_words(true, order.questions(&moves)), in_words(false, told))
}

#[test]
fn a_member_is_told_to_nameservers_only() {
    let (asked, told) = sent(OperatorState::Drain, "px-1", false, &replies());
    assert_eq!(asked, ["ns-1 /operator http0.l.example.net/px-1"]);
    assert_eq!(told, asked);
}

#[test]
fn a_daemon_that_does_not_answer_is_asked_nothing_beforehand_and_told_all_the_same() {
    let mut replies = replies();
    let silent = Endpoint { name: Some("px-2".to_owned()), ..Endpoint::at(std::path::Path::new("/nowhere")) };
    replies.push(DaemonReply { endpoint: silent, answer: Err(crate::push::error::Error::new("frozen")) });
    let (asked, told) = sent(OperatorState::Maint, "www/web1", false, &replies);
    assert_eq!(asked, ["px-1 /operator www/web1"]);
    assert_eq!(told, ["px-1 /operator www/web1", "px-2 /operator www/web1"]);
}

#[test]
fn by_force_a_service_moves_before_its_active_backend_is_taken_out() {
    let (asked, told) = sent(OperatorState::Maint, "web2", true, &replies());
    assert_eq!(asked, ["px-1 /failover shop", "px-1 /operator www/web2"]);
    assert_eq!(told, ["px-1 /failover shop", "px-1 /operator shop/web2", "px-1 /operator www/web2"]);
    let (asked, _) = sent(OperatorState::Maint, "web2", false, &replies());
    assert_eq!(asked, ["px-1 /operator shop/web2", "px-1 /operator www/web2"], "without it the daemons refuse");
}

#[test]
fn what_was_done_where_and_what_mends_it_is_said_when_a_daemon_refuses_after_all() {
    let replies = replies();
    let target = TargetArgs { subject: "web2".to_owned(), why: String::new(), daemons: DaemonsArg::default() };
    let (args, subjects) = (StateArgs::from(target), find_subjects("web2", &replies));
    let order = Order { state: OperatorState::Maint, args: &args, replies: &replies, subjects: &subjects };
    let ended = |subject: &str, outcome| CommandResult {
        daemon: "px-1".to_owned(),
        subject: subject.to_owned(),
        outcome,
        words: String::new(),
        cached_until: None,
        unchanged: false,
    };
    assert_eq!(order.half_done(&[ended("shop/web2", Outcome::Done), ended("www/web2", Outcome::Missed)]), None);
    let said = order.half_done(&[ended("shop/web2", Outcome::Refused), ended("www/web2", Outcome::Done)]);
    assert_eq!(
        said.as_deref(),
        Some(
            "Only a part was done, as things changed meanwhile: www/web2 is in force, shop/web2 by px-1 was refused. \
             `polder maint web2` again tries the rest; `polder drain www/web2` takes it back.\n"
        ),
        "www/web2 was in drain before"
    );
}

#[test]
fn a_state_that_is_over_at_once_is_refused() {
    assert!(parse_length("0s").unwrap_err().to_string().contains("like 10m"));
    assert_eq!(parse_length("10m").unwrap(), Duration::from_secs(600));
}

#[test]
fn to_wait_for_what_is_so_already_is_a_question_unless_more_is_said() {
    let mut replies = replies();
    let subjects = BTreeMap::from([("www/web1".to_owned(), Daemon::Proxy)]);
    let only_asks = |replies: &[DaemonReply], state, change: &dyn Fn(&mut StateArgs)| {
        let target = TargetArgs { subject: "www/web1".to_owned(), why: String::new(), daemons: DaemonsArg::default() };
        let mut args = StateArgs { wait: WaitArgs { wait: true, ..WaitArgs::default() }, ..StateArgs::from(target) };
        change(&mut args);
        Order { state, args: &args, replies, subjects: &subjects }.only_asks()
    };
    assert!(!only_asks(&replies, OperatorState::Drain, &|_| {}), "it is ready");
    for reply in &mut replies {
        if let Ok(crate::api::status::Status::Proxy(status)) = &mut reply.answer {
            let services = status.services.iter_mut().filter(|service| service.name == "www");
            services.flat_map(|service| &mut service.backends).for_each(|one| one.operator = OperatorState::Drain);
        }
    }
    assert!(only_asks(&replies, OperatorState::Drain, &|_| {}));
    assert!(!only_asks(&replies, OperatorState::Maint, &|_| {}), "another state is a change");
    assert!(!only_asks(&replies, OperatorState::Drain, &|args| args.lasting = Some(Duration::from_secs(60))));
    assert!(!only_asks(&replies, OperatorState::Drain, &|args| args.target.why = "new disk".to_owned()));
    assert!(!only_asks(&replies, OperatorState::Drain, &|args| args.force = true));
    assert!(!only_asks(&replies, OperatorState::Drain, &|args| args.wait.wait = false));
}

#[test]
fn a_silent_daemon_is_named_beforehand_for_each_subject_that_it_may_have() {
    let mut replies = replies();
    replies.push(reply("px-2", Err(Error::new("frozen"))));
    let target = TargetArgs { subject: "web2".to_owned(), why: String::new(), daemons: DaemonsArg::default() };
    let (args, subjects) = (StateArgs::from(target), find_subjects("web2", &replies));
    let order = Order { state: OperatorState::Drain, args: &args, replies: &replies, subjects: &subjects };
    let outlook = Outlook::of(order.unasked());
    assert!(!outlook.is_refused());
    let words = outlook.in_words(true);
    for subject in ["shop/web2", "www/web2"] {
        assert!(words.contains(&format!("{subject}: px-2 does not answer")), "{words}");
    }
}

#[test]
fn what_daemons_foresee_is_asked_once_they_have_noticed_that_a_peer_is_silent() {
    let now = 1_700_000_010_000;
    let mut replies = replies();
    let heard_before = |replies: &mut [DaemonReply], ms: u64| {
        if let Ok(Status::Proxy(status)) = &mut replies[0].answer {
            let peer = |name: &str| PeerStatus {
                name: name.to_owned(),
                heard: Some(now - ms),
                error: None,
                differs: Vec::new(),
            };
            status.daemon.peers = vec![peer("px-2")];
        }
    };
    heard_before(&mut replies, 1_000);
    assert_eq!(until_noticed(&replies, now), Duration::ZERO, "all that were asked answer");
    replies.push(reply("px-2", Err(Error::new("frozen"))));
    assert_eq!(until_noticed(&replies, now), SILENT_AFTER - Duration::from_secs(1));
    heard_before(&mut replies, 60_000);
    assert_eq!(until_noticed(&replies, now), Duration::ZERO, "it is known for long");
}
