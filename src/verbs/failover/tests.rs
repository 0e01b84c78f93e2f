use super::*;
use crate::api::status::Status;
use crate::health::Verdict;
use crate::verbs::beforehand::Outlook;
use crate::verbs::status::tests::examples;

fn seen_by(proxies: Vec<crate::api::proxy::Status>) -> Vec<DaemonReply> {
    let endpoint = Endpoint::at(std::path::Path::new("/nowhere"));
    proxies
        .into_iter()
        .map(|status| DaemonReply { endpoint: endpoint.clone(), answer: Ok(Status::Proxy(Box::new(status))) })
        .collect()
}

#[test]
fn the_next_backend_is_the_first_in_order_that_is_usable_everywhere() {
    let mut second = examples::proxy();
    assert_eq!(next_backend("shop", &seen_by(vec![examples::proxy()])), Some("web3".to_owned()));
    let shop = second.services.iter_mut().find(|service| service.name == "shop").expect("the example has a shop");
    shop.backends.iter_mut().filter(|backend| backend.name == "web3").for_each(|one| one.check = Verdict::Down);
    assert_eq!(next_backend("shop", &seen_by(vec![examples::proxy(), second])), None);
}

#[test]
fn a_backend_that_was_failed_away_from_is_not_next() {
    let mut status = examples::proxy();
    for latch in status.services.iter_mut().filter_map(|service| service.latch.as_mut()) {
        latch.active = Some("web3".to_owned());
        latch.spent = vec!["web2".to_owned()];
    }
    assert_eq!(next_backend("shop", &seen_by(vec![status])), None);
}

#[test]
fn while_nobody_knows_which_backend_is_active_there_is_no_next_one() {
    let mut status = examples::proxy();
    for latch in status.services.iter_mut().filter_map(|service| service.latch.as_mut()) {
        latch.active = None;
    }
    let seen = seen_by(vec![status]);
    assert_eq!(next_backend("shop", &seen), None);
    assert!(no_next_backend("shop", &seen).contains("say it with --to"));
}

fn said(outcome: Outcome, words: &str) -> Outlook {
    let (daemon, subject, words) = ("px-1".to_owned(), "shop".to_owned(), words.to_owned());
    Outlook::of(vec![CommandResult { daemon, subject, outcome, words, cached_until: None, unchanged: false }])
}

#[test]
fn before_a_step_it_is_said_what_moves_and_what_is_cut_off_and_who_was_not_asked() {
    let mut status = examples::proxy();
    let backends =
        status.services.iter_mut().filter(|service| service.name == "shop").flat_map(|shop| &mut shop.backends);
    backends.filter(|backend| backend.name == "web2").for_each(|backend| backend.running = 3);
    let mut seen = seen_by(vec![status.clone(), status]);
    let silent = Endpoint {
        name: Some("px-2".to_owned()),
        role: Some(Daemon::Proxy),
        ..Endpoint::at(std::path::Path::new("/nowhere"))
    };
    seen.push(DaemonReply { endpoint: silent, answer: Err(crate::push::error::Error::new("frozen")) });
    let question = Question { service: "shop", to: Some("web3"), replies: &seen };
    assert_eq!(
        question.in_words(&said(Outcome::Done, "shop: from web2 to web3")),
        "shop: would be done: from web2 to web3 (px-1)\n\
         requests that run on web2 now: 6; what has not ended by then is cut off\n\
         not asked, as no answer comes: px-2\n\
         Nothing has changed: this was a question.\n"
    );
    let refused = question.in_words(&said(Outcome::Refused, "web3 is down"));
    assert!(refused.starts_with("shop: refused by px-1: web3 is down\n") && !refused.contains("cut off"), "{refused}");
    let stays = Question { to: Some("web2"), ..question }.in_words(&said(Outcome::Done, "shop is on web2 already"));
    assert!(!stays.contains("cut off"), "{stays}");
}
