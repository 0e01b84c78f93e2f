use super::*;

fn one(id: u64) -> Listed {
    Listed {
        id,
        name: format!("etcd-{id}"),
        peer_urls: vec![peer(id)],
        client_urls: vec![format!("http://10.0.0.{id}:2379")],
        is_learner: false,
    }
}

fn peer(id: u64) -> String {
    format!("http://10.0.0.{id}:2380")
}

fn answer(id: u64, leader: u64, applied: u64) -> Answer {
    Answer { id, leader, index: applied, applied, ..Answer::default() }
}

fn wanted(id: u64) -> Wanted {
    Wanted { name: format!("etcd-{id}"), peer: peer(id) }
}

/// Members 1 to `members`, of whom these answer; the first of them leads.
fn picture(members: u64, answering: &[u64]) -> Picture {
    Picture {
        members: (1..=members).map(one).collect(),
        answers: answering.iter().map(|id| (*id, answer(*id, answering[0], 1000))).collect(),
    }
}

fn replaced(id: u64) -> Goal {
    Goal::Replace { name: format!("etcd-{id}"), by: wanted(id) }
}

fn why(step: &Step) -> &str {
    match step {
        Step::Refuse { why, .. } => why,
        other => panic!("{other:?} is not refused"),
    }
}

#[test]
fn a_member_that_has_lost_its_data_is_taken_out_taken_in_without_a_vote_waited_for_and_given_its_vote() {
    let mut picture = picture(3, &[1, 2]);
    let goal = replaced(3);
    let step = next(&picture, &goal);
    assert_eq!(step, Step::Remove { id: 3, name: "etcd-3".to_owned() });
    picture = picture.after(&step);
    let step = next(&picture, &goal);
    assert_eq!(step, Step::Add(wanted(3)));
    picture = picture.after(&step);
    assert_eq!(next(&picture, &goal), Step::AwaitStart("etcd-3".to_owned()));
    // It starts: it has a name, answers, and lags.
    let joined = picture.members.last_mut().unwrap();
    (joined.id, joined.name) = (9, "etcd-3".to_owned());
    picture.answers.insert(9, answer(9, 1, 10));
    assert_eq!(next(&picture, &goal), Step::AwaitCatchUp { name: "etcd-3".to_owned(), behind: 990 });
    picture.answers.insert(9, answer(9, 1, 990));
    let step = next(&picture, &goal);
    assert_eq!(step, Step::Promote { id: 9, name: "etcd-3".to_owned() });
    picture = picture.after(&step);
    assert!(matches!(next(&picture, &goal), Step::Done(_)), "and once more, nothing is done");
}

#[test]
fn a_member_that_answers_is_not_replaced() {
    assert!(matches!(next(&picture(3, &[1, 2, 3]), &replaced(3)), Step::Done(_)), "it has come back: nothing to do");
    let by_another = Goal::Replace { name: "etcd-3".to_owned(), by: wanted(4) };
    let step = next(&picture(3, &[1, 2, 3]), &by_another);
    assert_eq!(why(&step), "etcd-3 answers: one that lives is not replaced");
}

#[test]
fn another_host_takes_the_place_of_a_dead_one() {
    let goal = Goal::Replace { name: "etcd-3".to_owned(), by: wanted(4) };
    let first = picture(3, &[1, 2]);
    let step = next(&first, &goal);
    assert_eq!(step, Step::Remove { id: 3, name: "etcd-3".to_owned() });
    let second = first.after(&step);
    assert_eq!(next(&second, &goal), Step::Add(wanted(4)));
}

#[test]
fn without_a_majority_nothing_is_changed() {
    for goal in [replaced(3), Goal::Join(wanted(4)), Goal::Remove("etcd-2".to_owned())] {
        let step = next(&picture(3, &[1]), &goal);
        assert_eq!(why(&step), "1 of 3 members of etcd answer and hear a leader, and 2 are needed to change anything");
        assert_eq!(
            why(&next(&Picture::default(), &goal)),
            "no member of etcd answers, so it is not known which there are"
        );
    }
}

#[test]
fn members_that_answer_and_hear_no_leader_are_no_majority() {
    let mut picture = picture(3, &[1, 2]);
    picture.answers.values_mut().for_each(|answer| answer.leader = 0);
    assert!(why(&next(&picture, &replaced(3))).starts_with("0 of 3 members"));
}

#[test]
fn a_second_member_waits_until_the_first_has_its_vote() {
    let mut picture = picture(3, &[1, 2, 3]);
    picture = picture.after(&Step::Add(wanted(4)));
    let step = next(&picture, &Goal::Join(wanted(5)));
    assert!(why(&step).contains("members join one after the other"), "{step:?}");
    let Step::Refuse { remedy, .. } = step else { unreachable!() };
    assert!(remedy.contains("`polder agreement remove http://10.0.0.4:2380`"), "{remedy}");
    // One that never started is taken out by that name.
    let step = next(&picture, &Goal::Remove(peer(4)));
    assert_eq!(step, Step::Remove { id: u64::MAX, name: peer(4) });
}

#[test]
fn none_joins_beside_a_dead_one() {
    let step = next(&picture(3, &[1, 2]), &Goal::Join(wanted(4)));
    assert!(why(&step).starts_with("etcd-3 does not answer"), "{step:?}");
}

#[test]
fn neither_the_last_member_is_removed_nor_one_without_whom_too_few_would_answer() {
    let last = next(&picture(1, &[1]), &Goal::Remove("etcd-1".to_owned()));
    assert!(why(&last).contains("the last member"), "{last:?}");
    let needed = next(&picture(3, &[1, 2]), &Goal::Remove("etcd-2".to_owned()));
    assert_eq!(why(&needed), "without etcd-2, 1 of 2 members would answer, and 2 are needed");
    assert!(next(&picture(3, &[1, 2]), &Goal::Remove("etcd-3".to_owned())).is_change(), "the dead one goes");
    assert!(matches!(next(&picture(3, &[1, 2, 3]), &Goal::Remove("etcd-7".to_owned())), Step::Done(_)));
}

#[test]
fn a_member_at_another_address_than_the_documents_is_told() {
    let mut picture = picture(3, &[1, 2, 3]);
    picture.members[2].peer_urls = vec!["http://10.9.9.9:2380".to_owned()];
    let step = next(&picture, &Goal::Join(wanted(3)));
    assert!(why(&step).contains("is a member at http://10.9.9.9:2380, and the document has it at"), "{step:?}");
}

/// Whatever the cluster is like: after a step those that worked before are still a majority, and nobody gets a vote who lags.
#[test]
fn no_step_of_any_cluster_loses_the_majority() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    let mut random = fastrand::Rng::with_seed(seed);
    let mut changes = 0;
    for round in 0..20_000 {
        let members = random.u64(1..=5);
        let mut picture = picture(members, &[]);
        let leader = random.u64(0..=members);
        for id in 1..=members {
            if id == leader || random.f32() < 0.7 {
                let lags = random.u64(0..300);
                let (heard, lags) =
                    if id == leader { (leader, 0) } else { (leader * u64::from(random.f32() < 0.9), lags) };
                picture.answers.insert(id, answer(id, heard, 1000 - lags));
            }
            let one = &mut picture.members[id as usize - 1];
            one.is_learner = id != leader && random.f32() < 0.15;
            if !picture.answers.contains_key(&id) && random.f32() < 0.2 {
                one.name.clear();
            }
        }
        let target = random.u64(1..=6);
        let goal = match random.u8(0..4) {
            0 => Goal::Join(wanted(target)),
            1 => replaced(target),
            2 => Goal::Replace { name: format!("etcd-{target}"), by: wanted(random.u64(1..=6)) },
            _ => Goal::Remove(format!("etcd-{target}")),
        };
        let step = next(&picture, &goal);
        if !step.is_change() {
            continue;
        }
        changes += 1;
        let after = picture.after(&step);
        let told = || format!("SEED={seed} round {round}: {step:?} of {picture:#?}");
        assert!(after.working() >= majority(after.voters().count()), "{}", told());
        match &step {
            Step::Add(_) => {
                assert!(
                    picture.joining().is_none() && picture.silent().is_none() || matches!(goal, Goal::Replace { .. }),
                    "{}",
                    told()
                );
                assert!(
                    after.members.iter().filter(|one| one.is_learner || one.name.is_empty()).count() == 1,
                    "{}",
                    told()
                );
            }
            Step::Promote { id, .. } => {
                let lacks = 1000 - picture.answers[id].applied;
                assert!(lacks <= CAUGHT_UP, "{}", told());
            }
            Step::Remove { id, .. } => {
                let is_replaced = matches!(goal, Goal::Replace { .. });
                assert!(!is_replaced || !picture.answers.contains_key(id), "{}", told());
            }
            _ => unreachable!(),
        }
    }
    assert!(changes > 1000, "SEED={seed}: {changes}");
}
