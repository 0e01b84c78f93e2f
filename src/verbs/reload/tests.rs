use super::*;
use crate::push::error::Error;
use crate::verbs::status::tests::examples::{replies, reply};

#[test]
fn a_silent_daemon_is_waited_for_no_longer_than_for_its_status_and_any_other_as_long_as_a_reload_takes() {
    let frozen = reply("px-2", Err(Error::new("frozen")));
    let limit = frozen.endpoint.limit;
    assert!(command(&frozen).limit <= limit);
    assert!(command(&replies()[0]).limit >= LONGEST);
}
