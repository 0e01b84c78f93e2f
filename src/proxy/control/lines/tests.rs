use tracing::Level;

use super::*;
use crate::proxy::latch::Latch;

fn latch(active: &str, epoch: u64, by: &str) -> Latch {
    Latch {
        epoch,
        by: by.to_owned(),
        at: 0,
        active: active.to_owned(),
        failed_from: Vec::new(),
        reason: "why".to_owned(),
        by_operator: false,
        without_agreement: false,
        addresses: Default::default(),
    }
}

fn words(before: Option<Latch>, now: Latch) -> String {
    moved(&LatchMove { service: "shop".to_owned(), before, now }).words
}

#[test]
fn a_move_says_from_where_to_where_by_whom_and_why() {
    assert_eq!(
        words(Some(latch("shop1", 0, "")), latch("shop2", 1, "px-3")),
        "shop: shop1 -> shop2 (epoch 1, by px-3): why"
    );
    // Nobody has moved the latch of a first start; a peer's record may name the same backend.
    assert_eq!(words(None, latch("shop1", 0, "")), "shop: undecided -> shop1 (epoch 0): why");
    assert_eq!(
        words(Some(latch("shop1", 2, "px-1")), latch("shop1", 2, "px-3")),
        "shop: still shop1 (epoch 2, by px-3): why"
    );
}

#[test]
fn a_failover_is_a_warning_and_a_failback_is_none() {
    let level = |before: &Latch, now: &Latch| {
        moved(&LatchMove { service: "shop".to_owned(), before: Some(before.clone()), now: now.clone() }).level
    };
    let primary = latch("shop1", 2, "px-1");
    let backup = Latch { failed_from: vec!["shop1".to_owned()], ..latch("shop2", 3, "px-1") };
    assert_eq!(level(&primary, &backup), Level::WARN);
    // A peer's record of the same step.
    assert_eq!(level(&backup, &backup), Level::INFO);
    assert_eq!(level(&backup, &primary), Level::INFO);
}

#[test]
fn a_move_is_about_the_service_and_the_backend_that_serves_now() {
    let line = moved(&LatchMove { service: "shop".to_owned(), before: None, now: latch("shop2", 1, "px-1") });
    assert_eq!(line.subjects, ["shop", "shop/shop2"]);
}
