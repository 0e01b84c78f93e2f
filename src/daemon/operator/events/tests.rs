use super::*;

fn note(state: OperatorState, when: u64, until: Option<u64>) -> OperatorNote {
    let (who, by, why) = ("alice@admin-nl".to_owned(), "px-nl".to_owned(), "new disk".to_owned());
    OperatorNote { state, who, when, since: None, by, why, until }
}

fn words(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.words.as_str()).collect()
}

#[test]
fn the_end_of_a_words_time_is_told_once_and_that_of_one_which_ended_before_anybody_looked_never() {
    let states = OperatorStates(
        [
            ("www/web1", note(OperatorState::Maint, 1_000, Some(5_000))),
            ("www/web2", note(OperatorState::Drain, 1_000, Some(1_500))),
            ("www/web3", note(OperatorState::Ready, 1_000, Some(5_000))),
            ("www/web4", note(OperatorState::Drain, 1_000, None)),
        ]
        .map(|(subject, note)| (subject.to_owned(), note))
        .into(),
    );
    let mut ends = Ends::default();
    assert!(ends.look(&states, 2_000).is_empty() && ends.look(&states, 4_999).is_empty());
    let told = ends.look(&states, 5_000);
    assert_eq!(words(&told), ["www/web1 is ready again: the time for which alice@admin-nl set it to maint is over"]);
    assert!(ends.look(&states, 6_000).is_empty());
}

#[test]
fn what_a_peer_tells_at_once_is_told_in_the_words_of_whoever_was_told_first_and_later_with_its_time() {
    let note = note(OperatorState::Drain, 1_000, None);
    let first = said("www/web1", &note);
    assert_eq!(first, learned("www/web1", &note, 2_000));
    let late = learned("www/web1", &note, 90_000_000);
    let told = "www/web1 is set to drain by alice@admin-nl: new disk (at 1970-01-01 00:00:01Z)";
    assert_eq!(words(&[late]), [told]);
}

#[test]
fn only_what_says_something_else_than_what_is_in_force_is_news() {
    let of = |note: &OperatorNote| OperatorStates([("www/web1".to_owned(), note.clone())].into());
    let drain = note(OperatorState::Drain, 1_000, Some(9_000));
    let mut states = OperatorStates::default();
    let ready = note(OperatorState::Ready, 500, None);
    assert!(states.merge(&of(&ready), 600).news.is_empty(), "it was ready");
    assert_eq!(states.merge(&of(&drain), 1_100).news.len(), 1);
    let again = OperatorNote { when: 2_000, until: Some(9_400), by: "px-ch".to_owned(), ..drain.clone() };
    let merged = states.merge(&of(&again), 2_100);
    assert!(merged.changed && merged.news.is_empty(), "the same command, given to another daemon");
    let longer = OperatorNote { when: 3_000, until: Some(90_000), ..drain };
    assert_eq!(states.merge(&of(&longer), 3_100).news.len(), 1);
    let ready = OperatorNote { when: 4_000, ..ready };
    assert_eq!(states.merge(&of(&ready), 4_100).news.len(), 1);
}
