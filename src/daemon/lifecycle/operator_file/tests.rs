use std::io;
use std::time::Duration;

use super::OperatorFile;
use crate::daemon::clock::Now;

fn at(ms: u64) -> Now {
    Now { running: Duration::from_millis(ms), unix_ms: ms }
}

#[test]
fn a_change_is_written_once_and_a_second_one_waits_for_the_first() {
    let mut file = OperatorFile::default();
    assert!(file.is_settled(at(0)) && !file.begin_if_due(at(0)));
    file.mark_dirty();
    assert!(!file.is_settled(at(0)) && file.begin_if_due(at(0)));
    file.mark_dirty();
    assert!(!file.begin_if_due(at(1)), "one write at a time");
    file.written(Ok(()), at(2));
    assert!(file.begin_if_due(at(2)), "what was said meanwhile");
    file.written(Ok(()), at(3));
    assert!(file.is_settled(at(3)) && file.alarms(at(3)).is_empty());
}

#[test]
fn a_failed_write_is_an_alarm_and_is_tried_again_until_it_is_well() {
    let mut file = OperatorFile::new(Some("lost".into()));
    file.mark_dirty();
    assert!(file.begin_if_due(at(0)));
    file.written(Err(io::Error::other("no room")), at(10));
    assert!(file.is_settled(at(10)), "the operator is told");
    assert!(file.alarms(at(10)).iter().any(|alarm| alarm.contains("no room")));
    assert!(!file.begin_if_due(at(11)));
    assert_eq!(file.wakes(), Some(Duration::from_millis(2_010)));
    file.try_at_once();
    assert!(file.begin_if_due(at(12)), "a process that is about to end does not wait");
    file.written(Err(io::Error::other("no room")), at(13));
    assert!(file.begin_if_due(at(2_013)));
    file.written(Ok(()), at(2_020));
    assert_eq!((file.alarms(at(2_020)), file.failures()), (vec![], 2), "what was lost is written again too");
}

#[test]
fn a_disk_that_does_not_answer_is_an_alarm_and_holds_up_no_answer() {
    let mut file = OperatorFile::default();
    file.mark_dirty();
    assert!(file.begin_if_due(at(0)));
    assert!(!file.is_settled(at(1_999)) && file.alarms(at(1_999)).is_empty());
    assert!(file.is_settled(at(2_000)));
    assert!(file.alarms(at(2_000))[0].contains("the disk has not answered for 2s"));
}
