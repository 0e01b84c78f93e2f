use super::*;

const NOW: u64 = 1_796_054_400;

fn times() -> Times {
    Times { publish: Some(NOW), activate: Some(NOW), ..Times::default() }
}

#[test]
fn what_a_key_does_is_told_with_its_times() {
    let later =
        Times { activate: Some(NOW + 3600), inactive: Some(NOW + 86_400), delete: Some(NOW + 90_000), ..times() };
    for (times, expected) in [
        (times(), "published from now on, signs from now on"),
        (
            later,
            "published from now on until 2026-12-01 17:00:00Z, signs from 2026-11-30 17:00:00Z until 2026-12-01 16:00:00Z",
        ),
    ] {
        assert_eq!(told(&times, NOW), expected);
    }
}

#[test]
fn times_in_the_wrong_order_are_told_by_their_options() {
    assert_eq!(out_of_order(&times()), None);
    let inactive = Times { inactive: Some(NOW), ..times() };
    assert_eq!(
        out_of_order(&inactive).map(|error| error.to_string()).as_deref(),
        Some(
            "--inactive comes before --activate, or with it; expected a key that is published, signs, signs no more and goes, in this order"
        )
    );
    let deleted = Times { inactive: Some(NOW + 2), delete: Some(NOW + 1), ..times() };
    assert!(out_of_order(&deleted).is_some_and(|error| error.problem.starts_with("--delete comes before --inactive")));
    let past = Times { publish: Some(NOW - 9), activate: Some(NOW - 9), inactive: Some(NOW - 1), ..Times::default() };
    assert!(over(&past, NOW).is_some() && over(&inactive, NOW - 1).is_none());
    let together = Times { inactive: Some(NOW + 2), delete: Some(NOW + 2), ..times() };
    assert_eq!(out_of_order(&together), None);
    let unpublished = Times { publish: Some(NOW + 1), ..times() };
    assert!(
        out_of_order(&unpublished).is_some_and(|error| error.problem.starts_with("--activate comes before --publish"))
    );
}
