//! Members that fall one after the other.

use super::*;

const THREE: [(&str, &str); 3] = [("a", "192.0.2.1"), ("b", "192.0.2.2"), ("c", "192.0.2.3")];

/// Health of members of which these are up, each borne out by a probe that began at this time.
fn seen(document: &Prepared, up: &[(&str, u64)]) -> Arc<HealthView> {
    let of = |member: &str| up.iter().find(|(name, _)| *name == member);
    let verdict = |member: &str| if of(member).is_some() { Verdict::Up } else { Verdict::Down };
    let began = |member: &str| of(member).map_or(0, |(_, began)| *began);
    health_with(document, verdict, |member| Proof::new(at(began(member)).running, Duration::from_secs(60)))
}

fn three() -> State {
    let document = document(&THREE);
    let mut state = State::new(document.clone(), Saved::default());
    state.on_event(Event::Health(seen(&document, &[("a", 0), ("b", 0), ("c", 0)])), at(0));
    state.on_event(Event::Ready, at(0));
    state
}

fn probed(effects: &[Effect]) -> Vec<String> {
    let probed = effects.iter().filter_map(|effect| match effect {
        Effect::Probe(targets) => Some(targets.iter().map(|target| target.address.to_string())),
        _ => None,
    });
    probed.flatten().collect()
}

#[test]
fn when_a_member_falls_the_others_are_probed_at_once_and_it_leaves_the_answer_when_they_have_been() {
    let mut state = three();
    let document = state.document.clone();
    let effects = state.on_event(Event::Health(seen(&document, &[("a", 900), ("b", 900)])), at(1_000));
    assert_eq!((published(&effects), probed(&effects)), (0, vec!["192.0.2.1:80".into(), "192.0.2.2:80".into()]));
    let explained = state.explain(POOL, None, at(1_001)).expect("a name").because.join("\n");
    assert!(explained.contains("answered until it is known whether others fall with it"), "{explained}");
    assert!(state.wakes(at(1_001)) <= Some(at(1_021).running), "it looks at the proofs, of which no view tells");
    let effects = state.on_event(Event::Health(seen(&document, &[("a", 1_001), ("b", 900)])), at(1_010));
    assert_eq!((published(&effects), probed(&effects).len()), (0, 0));
    let effects = state.on_event(Event::Health(seen(&document, &[("a", 1_001), ("b", 1_001)])), at(1_020));
    assert_eq!((published(&effects), answers(&state)), (1, vec!["192.0.2.1".into(), "192.0.2.2".into()]));
}

#[test]
fn members_that_fail_as_a_whole_never_leave_the_answer_one_by_one_and_all_of_them_are_what_is_kept() {
    let mut state = three();
    let document = state.document.clone();
    for (up, ms) in [(vec![("a", 0), ("b", 0)], 1_000), (vec![("a", 0)], 1_700), (vec![], 2_400)] {
        state.on_event(Event::Health(seen(&document, &up)), at(ms));
        assert_eq!(answers(&state).len(), 3, "with {up:?} up");
    }
    assert!(state.choices[POOL].kept_until().is_some());
}

#[test]
fn a_member_that_an_operator_takes_away_while_it_falls_leaves_at_once() {
    let mut state = three();
    let document = state.document.clone();
    state.on_event(Event::Health(seen(&document, &[("a", 0), ("b", 0)])), at(1_000));
    state.operator(&command("c", OperatorState::Drain, false), at(1_001)).expect("obeyed");
    assert_eq!(answers(&state), ["192.0.2.1", "192.0.2.2"]);
}

#[test]
fn a_member_that_falls_leaves_after_the_time_of_a_check_though_nobody_could_be_probed() {
    let mut state = three();
    let document = state.document.clone();
    state.on_event(Event::Health(seen(&document, &[("a", 0), ("b", 0)])), at(1_000));
    let bound = document.config.pools[POOL].check.detection_bound().as_millis() as u64;
    assert_eq!(published(&state.on_event(Event::Time, at(999 + bound))), 0);
    assert_eq!(published(&state.on_event(Event::Time, at(1_000 + bound))), 1);
    assert_eq!(answers(&state), ["192.0.2.1", "192.0.2.2"]);
}
