use std::io;
use std::time::Duration;

use super::{OperatorFile, Persistence};
use crate::daemon::clock::Now;

fn at(ms: u64) -> Now {
    Now { running: Duration::from_millis(ms), unix_ms: ms }
}

fn full() -> io::Result<()> {
    Err(io::Error::other("no room"))
}

#[test]
fn a_change_is_kept_once_its_own_write_has_ended_and_all_that_came_during_a_write_is_in_the_next_one() {
    let mut file = OperatorFile::default();
    assert!(!file.begin_if_due(at(0)));
    let first = file.changed();
    assert!(file.begin_if_due(at(0)));
    let (second, third) = (file.changed(), file.changed());
    assert!(!file.begin_if_due(at(1)), "one write at a time");
    assert_eq!(file.persistence(first, at(1)), Persistence::Pending);
    file.written(Ok(()), at(2));
    assert_eq!(
        (file.persistence(first, at(2)), file.persistence(second, at(2))),
        (Persistence::OnDisk, Persistence::Pending)
    );
    assert!(file.begin_if_due(at(2)), "what was said meanwhile");
    let fourth = file.changed();
    file.written(Ok(()), at(3));
    let kept = [second, third, fourth].map(|change| file.persistence(change, at(3)));
    assert_eq!(
        kept,
        [Persistence::OnDisk, Persistence::OnDisk, Persistence::Pending],
        "no stream of commands holds an answer up"
    );
    assert!(file.begin_if_due(at(3)));
    file.written(Ok(()), at(4));
    assert!(!file.begin_if_due(at(5)) && file.alarms(at(5)).is_empty());
}

#[test]
fn a_failed_write_is_said_to_whoever_waits_for_it_and_is_tried_again_until_it_is_well() {
    let mut file = OperatorFile::new(Some("lost".into()));
    let first = file.changed();
    assert!(file.begin_if_due(at(0)));
    file.written(full(), at(10));
    assert!(matches!(file.persistence(first, at(10)), Persistence::Failed(why) if why.contains("no room")));
    assert!(file.alarms(at(10)).iter().any(|alarm| alarm.contains("no room")));
    assert!(!file.begin_if_due(at(11)));
    assert_eq!(file.wakes(), Some(Duration::from_millis(2_010)));
    let second = file.changed();
    assert_eq!(file.persistence(second, at(12)), Persistence::Pending, "its own write decides");
    assert!(file.begin_if_due(at(12)), "at once");
    file.written(full(), at(13));
    assert!(matches!(file.persistence(second, at(13)), Persistence::Failed(_)));
    assert!(file.begin_if_due(at(2_013)));
    file.written(Ok(()), at(2_020));
    assert_eq!((file.alarms(at(2_020)), file.failures()), (vec![], 2), "what was lost is written again too");
    assert_eq!(file.persistence(second, at(2_020)), Persistence::OnDisk);
}

#[test]
fn a_disk_that_does_not_answer_is_an_alarm_and_holds_up_no_answer() {
    let mut file = OperatorFile::default();
    let change = file.changed();
    assert!(file.begin_if_due(at(0)));
    assert!(file.persistence(change, at(1_999)) == Persistence::Pending && file.alarms(at(1_999)).is_empty());
    assert!(
        matches!(file.persistence(change, at(2_000)), Persistence::Failed(why) if why.contains("has not answered for 2s"))
    );
    assert!(file.alarms(at(2_000))[0].contains("the disk has not answered for 2s"));
    file.written(Ok(()), at(2_500));
    assert!(file.persistence(change, at(2_500)) == Persistence::OnDisk && file.alarms(at(2_500)).is_empty());
}
