use super::*;

fn said(daemon: &str, subject: &str, outcome: Outcome, words: &str) -> CommandResult {
    let (daemon, subject, words) = (daemon.to_owned(), subject.to_owned(), words.to_owned());
    CommandResult { daemon, subject, outcome, words, cached_until: None, unchanged: false }
}

#[test]
fn what_daemons_say_alike_is_one_line_and_a_refusal_comes_last() {
    let outlook = Outlook::of(vec![
        said("px-1", "shop/web2", Outcome::Refused, "web2 is active"),
        said("px-1", "www/web2", Outcome::Done, "web1 goes on alone"),
        said("px-2", "shop/web2", Outcome::Refused, "web2 is active"),
        said("px-2", "www/web2", Outcome::Done, "web1 goes on alone"),
    ]);
    assert!(outlook.is_refused());
    assert_eq!(
        outlook.in_words(true),
        "www/web2: would be done: web1 goes on alone (px-1, px-2)\nshop/web2: refused by px-1, px-2: web2 is active\n"
    );
}

#[test]
fn a_daemon_of_an_earlier_version_which_knows_no_such_question_refuses_nothing() {
    let unknown = "the body of /operator is not what it should be: unknown field `dry_run`, expected one of `subject`";
    assert!(!Outlook::of(vec![said("px-1", "www/web2", Outcome::Refused, unknown)]).is_refused());
}

#[test]
fn a_daemon_that_heard_of_the_command_from_a_peer_first_does_not_say_that_nothing_changed() {
    let repeated = |daemon| CommandResult { unchanged: true, ..said(daemon, "www/web2", Outcome::Done, "already") };
    let outlook = Outlook::of(vec![said("px-1", "www/web2", Outcome::Done, "would be"), repeated("px-2")]);
    let told = outlook.explain_repeats(vec![repeated("px-1"), repeated("px-2")], OperatorState::Drain);
    assert_eq!((told[0].unchanged, told[0].words.as_str()), (false, "www/web2 is set to drain"));
    assert_eq!((told[1].unchanged, told[1].words.as_str()), (true, "already"));
}

#[test]
fn what_a_line_is_about_is_said_once() {
    let outlook = Outlook::of(vec![
        said("px-1", "shop", Outcome::Done, "shop: from web2 to web3"),
        said("px-1", "www/web1", Outcome::Done, "www/web1 is in drain already (by alice); nothing changed"),
        said("px-1", "www/web2", Outcome::Done, "www/web22 is another one"),
    ]);
    let expected = "shop: from web2 to web3 (px-1)\nwww/web1: is in drain already (by alice); nothing changed (px-1)\n\
                    www/web2: www/web22 is another one (px-1)\n";
    assert_eq!(outlook.in_words(false), expected);
}
