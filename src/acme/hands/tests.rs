#![allow(clippy::unwrap_used, clippy::panic)]

use std::cell::RefCell;

use super::*;
use crate::acme::material::Secret;
use crate::acme::samples::record;

#[test]
fn what_is_not_done_while_another_process_takes_over_is_said_to_have_failed() {
    let said = RefCell::new(Vec::new());
    let mut hands = Hands::default();
    let effects = [
        Effect::GoOn(7),
        Effect::Write(File::Accounts, Secret::new("{}")),
        Effect::PublishRecords(vec![record("shop.test", 1)]),
        Effect::PublishRecords(Vec::new()),
        Effect::Cancel,
    ];
    for effect in effects {
        hands.refuse(effect, |event| said.borrow_mut().push(event));
    }
    let said = said.into_inner();
    let [
        Event::Ended(7, Err(failure)),
        Event::Written(File::Accounts, Err(_)),
        Event::RecordsPublished(records, Err(_)),
    ] = &said[..]
    else {
        panic!("{said:?}")
    };
    assert_eq!((failure.cause, &*failure.why, records.len()), (Cause::Unasked, "another process is taking over", 1));
}
