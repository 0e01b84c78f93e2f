use super::*;

#[test]
fn the_same_again_is_no_news_and_a_good_message_ends_the_alarm() {
    let mut rejected = Rejected::default();
    let bad = || vec!["a".to_owned(), "b".to_owned(), "c".to_owned(), "d".to_owned()];
    assert_eq!(rejected.note(bad()).as_deref(), Some("a; b; c; and 1 more"));
    assert_eq!(rejected.note(bad()), None);
    assert_eq!(
        rejected.alarm("px-2").as_deref(),
        Some("peer px-2 sent values that were rejected: a; b; c; and 1 more")
    );
    assert_eq!(rejected.note(Vec::new()), None);
    assert_eq!((rejected.alarm("px-2"), rejected.total()), (None, 8));
}
