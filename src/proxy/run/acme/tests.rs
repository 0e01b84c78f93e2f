#![allow(clippy::unwrap_used, clippy::panic)]

use std::cell::RefCell;

use super::*;
use crate::proxy::acme::material::Secret;
use crate::proxy::acme::steps::TxtRecord;

#[test]
fn what_is_not_done_while_another_process_takes_over_is_said_to_have_failed() {
    let said = RefCell::new(Vec::new());
    let mut acme = Acme::default();
    let record = TxtRecord { name: "_acme-challenge.shop.test".into(), value: "v".into() };
    let effects = [
        Effect::GoOn(7),
        Effect::Write(File::Accounts, Secret::new("{}")),
        Effect::PublishRecords(vec![record]),
        Effect::PublishRecords(Vec::new()),
        Effect::Cancel,
    ];
    for effect in effects {
        acme.refuse(effect, |event| said.borrow_mut().push(event));
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
