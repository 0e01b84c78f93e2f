use super::*;

#[test]
fn a_key_without_times_always_counts() {
    let times = Times::default();
    assert!(times.is_published(0) && times.is_active(u64::MAX));
    assert_eq!(times.next_change(0), None);
}

#[test]
fn a_time_that_is_missing_is_never_reached() {
    let made = Times { created: Some(10), ..Times::default() };
    assert!(!made.is_published(20) && !made.is_active(20));
    let published = Times { publish: Some(10), ..made };
    assert!(published.is_published(10) && !published.is_active(u64::MAX));
    assert!(!published.is_published(9));
}

#[test]
fn a_key_that_is_to_sign_is_known_before_unless_it_says_when() {
    let times = Times { activate: Some(10), ..Times::default() };
    assert!(times.is_published(0) && !times.is_active(9) && times.is_active(10));
    // Signatures before the key (RFC 6781, 4.1.4): it signs and does not stand in the zone.
    let later = Times { publish: Some(20), ..times };
    assert!(!later.is_published(19) && later.is_active(19));
}

#[test]
fn a_key_that_is_deleted_does_nothing_whatever_else_it_says() {
    let times = Times { publish: Some(1), activate: Some(1), delete: Some(10), ..Times::default() };
    assert!(times.is_published(9) && times.is_active(9));
    assert!(!times.is_published(10) && !times.is_active(10));
}

#[test]
fn nothing_changes_before_the_next_change() {
    let times = Times { created: Some(5), publish: Some(10), activate: Some(20), inactive: Some(30), delete: Some(40) };
    let state = |now| (times.is_published(now), times.is_active(now));
    let mut now = 0;
    let mut changes = Vec::new();
    while let Some((next, step)) = times.next_change(now) {
        assert!((now..next).all(|moment| state(moment) == state(now)), "{now} to {next}");
        assert_ne!(state(next), state(now));
        changes.push((next, step));
        now = next;
    }
    assert_eq!(changes, [(10, Step::Publish), (20, Step::Activate), (30, Step::Inactive), (40, Step::Delete)]);
}

#[test]
fn of_what_a_key_does_at_once_the_last_is_told() {
    let times = Times { publish: Some(10), activate: Some(10), inactive: Some(30), delete: Some(30), created: None };
    assert_eq!(times.next_change(0), Some((10, Step::Activate)));
    assert_eq!(times.next_change(10), Some((30, Step::Delete)));
}

#[test]
fn times_are_written_as_they_are_read() {
    assert_eq!(read("20261130155811"), Some(1_796_054_291));
    assert_eq!(digits(1_796_054_291), "20261130155811");
    assert_eq!(digits_and_words(1_796_054_291), "20261130155811 (Mon Nov 30 15:58:11 2026)");
    // A day of one digit stands in two columns.
    assert_eq!(digits_and_words(1_796_140_691 - 86_400 + 86_400), "20261201155811 (Tue Dec  1 15:58:11 2026)");
    assert_eq!(read("19700101000000"), Some(0));
}

#[test]
fn what_is_no_time_is_an_error_of_its_line() {
    for text in [
        "2026113015581",
        "202611301558111",
        "20261330155811",
        "20260230000000",
        "+1d",
        "",
        "19691231235959",
        "é0261130155811",
    ] {
        let fault = Times::default().take("Publish", text, 7).unwrap_err();
        assert_eq!(
            fault,
            Fault::at(
                7,
                format!(
                    "Publish: \"{text}\" is not a time; expected YYYYMMDDHHMMSS in UTC, as dnssec-settime writes it"
                )
            )
        );
    }
    let mut times = Times::default();
    assert_eq!(times.take("SyncPublish", "nonsense", 1), Ok(false));
    assert_eq!(times.take("Delete", "20261130155811 (Mon Nov 30 15:58:11 2026)", 1), Ok(true));
    assert_eq!(times, Times { delete: Some(1_796_054_291), ..Times::default() });
}
