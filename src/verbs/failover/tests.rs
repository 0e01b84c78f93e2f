use super::*;
use crate::api::status::Status;
use crate::health::Verdict;
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
