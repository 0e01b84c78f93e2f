use super::*;
use crate::api::operator::ForgetTarget;

fn word(state: OperatorState, when: u64, by: &str, until: Option<u64>) -> OperatorNote {
    OperatorNote { state, who: "alice@admin-nl".into(), when, since: None, by: by.into(), why: String::new(), until }
}

/// Few values for every field, so that ties are frequent.
fn random_states(random: &mut fastrand::Rng) -> OperatorStates {
    let mut states = OperatorStates::default();
    for subject in ["www/web1", "www/web2", "shop/web2"] {
        if random.bool() {
            continue;
        }
        let state = [OperatorState::Ready, OperatorState::Drain, OperatorState::Maint][random.usize(0..3)];
        let when = random.u64(1..4);
        let word = OperatorNote {
            state,
            who: ["alice", "bob"][random.usize(0..2)].into(),
            when,
            since: None,
            by: ["px-nl", "px-ch"][random.usize(0..2)].into(),
            why: ["", "disk"][random.usize(0..2)].into(),
            until: [None, Some(5), Some(6)][when as usize % 3],
        };
        states.0.insert(subject.into(), word);
    }
    states
}

fn merged(mut a: OperatorStates, b: &OperatorStates) -> OperatorStates {
    let before = a.clone();
    let changed = a.merge(b, 0).changed;
    assert_eq!(changed, a != before, "merge reports a change exactly if there is one");
    a
}

#[test]
fn merge_is_commutative_associative_and_idempotent() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..20_000 {
        let [a, b, c] = std::array::from_fn(|_| random_states(&mut random));
        assert_eq!(merged(a.clone(), &b), merged(b.clone(), &a), "seed {seed}");
        assert_eq!(merged(merged(a.clone(), &b), &c), merged(a.clone(), &merged(b.clone(), &c)), "seed {seed}");
        assert_eq!(merged(a.clone(), &a), a, "seed {seed}");
    }
}

#[test]
fn the_later_word_wins_and_between_equal_times_the_greater_name() {
    let mut states = OperatorStates::default();
    states.0.insert("www/web1".into(), word(OperatorState::Drain, 10, "px-nl", None));
    let mut older = OperatorStates::default();
    older.0.insert("www/web1".into(), word(OperatorState::Maint, 9, "px-zz", None));
    assert!(!states.merge(&older, 0).changed);
    let mut same_time = OperatorStates::default();
    same_time.0.insert("www/web1".into(), word(OperatorState::Ready, 10, "px-nm", None));
    assert!(states.merge(&same_time, 0).changed);
    assert_eq!(states.state("www/web1", 11), OperatorState::Ready);
}

#[test]
fn a_word_said_with_a_clock_set_back_still_wins() {
    let mut states = OperatorStates::default();
    states.set("www/web1", word(OperatorState::Drain, 1000, "px-nl", None));
    let peer = states.clone();
    states.set("www/web1", word(OperatorState::Ready, 400, "px-ch", None));
    assert!(!states.merge(&peer, 0).changed);
    assert_eq!(states.state("www/web1", 1000), OperatorState::Ready);
}

#[test]
fn a_word_from_the_far_future_or_of_any_size_is_not_taken_and_the_others_of_the_letter_are() {
    let now = 1_000_000_000;
    let good = word(OperatorState::Drain, now, "px-nl", Some(now + 60_000));
    let mut letter = OperatorStates::default();
    let bad = [
        ("www/when", OperatorNote { when: u64::MAX, ..good.clone() }, "more than 48 h in the future"),
        ("www/soon", OperatorNote { when: now + 172_800_001, ..good.clone() }, "more than 48 h in the future"),
        ("www/until", OperatorNote { until: Some(u64::MAX), ..good.clone() }, "it lasts more than 366 days"),
        (
            "www/why",
            OperatorNote { why: "y".repeat(600_000), ..good.clone() },
            "why has 600000 bytes: expected at most 500",
        ),
        ("www/who", OperatorNote { who: "w".repeat(101), ..good.clone() }, "who has 101 bytes: expected at most 100"),
        ("www/by", OperatorNote { by: "z z".into(), ..good.clone() }, "no valid name"),
    ];
    for (subject, word, _) in &bad {
        letter.0.insert((*subject).into(), word.clone());
    }
    letter.0.insert("www/good".into(), good.clone());
    letter.0.insert("ghost/b1".into(), good.clone());
    let (taken, untaken) = letter.vetted(now, 0, |subject| subject.starts_with("www/"));
    assert_eq!(taken.0.into_iter().collect::<Vec<_>>(), [("www/good".to_owned(), good)]);
    for (subject, _, why) in bad {
        assert!(untaken.iter().any(|one| one.contains(subject) && one.contains(why)), "{subject}: {untaken:?}");
    }
    assert_eq!(untaken.len(), 6, "ghosts are left out in silence");
}

#[test]
fn a_forgotten_word_loses_to_ready_everywhere_even_one_from_the_far_future() {
    for when in [400, 1000, 200_000, u64::MAX] {
        let bad = word(OperatorState::Maint, when, "zzzz", None);
        let mut peer = OperatorStates::default();
        peer.0.insert("www/web1".into(), bad.clone());
        let mut states = peer.clone();
        let command = ForgetCommand {
            what: ForgetTarget::Subject("www/web1".into()),
            who: "alice@admin-nl".into(),
            why: String::new(),
        };
        assert_eq!(states.forget("www/web1", &command, "px-nl", &Proposals::<()>::default(), 1000), Some(bad));
        states.merge(&peer.vetted(1000, 0, |_| true).0, 1000);
        assert_eq!(states.state("www/web1", 1001), OperatorState::Ready, "said at {when}");
    }
}

#[test]
fn a_command_that_repeats_a_state_without_a_reason_keeps_the_reason_given_for_it() {
    let command = |state, why: &str| OperatorCommand {
        subject: "www/web1".into(),
        state,
        who: "bob@admin-ch".into(),
        why: why.into(),
        for_ms: None,
        force: false,
        dry_run: false,
    };
    let mut states = OperatorStates::default();
    let mut give = |state, why: &str, now| {
        let note = states.note(&command(state, why), "px-nl", &Proposals::<()>::default(), now);
        states.set("www/web1", note.clone());
        note.why
    };
    assert_eq!(give(OperatorState::Maint, "new disk", 1000), "new disk");
    assert_eq!(give(OperatorState::Maint, "", 2000), "new disk");
    assert_eq!(give(OperatorState::Maint, "new machine", 3000), "new machine");
    assert_eq!(give(OperatorState::Drain, "", 4000), "", "another state has reasons of its own");
}

#[test]
fn a_command_that_came_by_a_peer_first_is_no_obstacle_to_itself() {
    let mut states = OperatorStates::default();
    states.set("www/web1", word(OperatorState::Drain, 2000, "px-nl", None));
    assert_eq!(states.admits("www/web1", &word(OperatorState::Drain, 1000, "px-ch", None)), Ok(()));
    assert!(states.admits("www/web1", &word(OperatorState::Maint, 1000, "px-ch", None)).is_err());
    let others = OperatorNote { who: "bob@admin-ch".into(), ..word(OperatorState::Drain, 1000, "px-ch", None) };
    assert!(states.admits("www/web1", &others).is_err());
}

#[test]
fn a_word_counts_until_its_end_and_unknown_subjects_are_ready() {
    let mut states = OperatorStates::default();
    states.set("www/web1", word(OperatorState::Drain, 1000, "px-nl", Some(2000)));
    states.set("www/web2", word(OperatorState::Maint, 1000, "px-nl", Some(3000)));
    assert_eq!(states.state("www/web1", 1999), OperatorState::Drain);
    assert_eq!(states.state("www/web1", 2000), OperatorState::Ready);
    assert_eq!(states.state("www/web9", 0), OperatorState::Ready);
    assert_eq!(states.next_expiry(1000), Some(2000));
    assert_eq!(states.next_expiry(2000), Some(3000));
    assert_eq!(states.next_expiry(3000), None);
}

#[test]
fn a_duration_is_as_long_at_a_peer_whose_clock_is_an_hour_off_and_the_later_word_wins_there_too() {
    const HOUR: i64 = 3_600_000;
    let (here, there) = (100_000_000, 100_000_000 + HOUR as u64);
    let mut ours = OperatorStates::default();
    let minute = |now: u64| Some(now + 60_000);
    ours.set("www/web1", word(OperatorState::Drain, here, "px-nl", minute(here)));
    let (mut theirs, untaken) = ours.clone().vetted(there, -HOUR, |_| true);
    assert_eq!((theirs.0["www/web1"].until, untaken), (minute(there), Vec::new()));
    assert!(
        !ours.clone().merge(&theirs.clone().vetted(here, HOUR, |_| true).0, here).changed,
        "the same note comes back"
    );

    // Said there, an hour ahead by that clock; then here, in knowledge of it.
    theirs.set("www/web1", word(OperatorState::Maint, there, "px-ch", None));
    let (told, untaken) = theirs.clone().vetted(here, HOUR, |_| true);
    assert!(untaken.is_empty() && ours.merge(&told, 0).changed);
    ours.set("www/web1", word(OperatorState::Ready, here + 1_000, "px-nl", None));
    assert!(theirs.merge(&ours.clone().vetted(there + 1_000, -HOUR, |_| true).0, there).changed, "the later word wins");
    assert!(!ours.merge(&told, 0).changed, "the earlier one stays behind");
    assert_eq!(theirs.state("www/web1", there + 1_000), OperatorState::Ready);
}
