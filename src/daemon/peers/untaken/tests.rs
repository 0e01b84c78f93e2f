use super::*;

#[test]
fn the_same_again_is_no_news_and_a_good_letter_ends_the_alarm() {
    let mut untaken = Untaken::default();
    let bad = || vec!["a".to_owned(), "b".to_owned(), "c".to_owned(), "d".to_owned()];
    assert_eq!(untaken.note(bad()).as_deref(), Some("a; b; c; and 1 more"));
    assert_eq!(untaken.note(bad()), None);
    assert_eq!(untaken.alarm("px-2").as_deref(), Some("peer px-2 says what is not taken: a; b; c; and 1 more"));
    assert_eq!(untaken.note(Vec::new()), None);
    assert_eq!((untaken.alarm("px-2"), untaken.total()), (None, 8));
}
