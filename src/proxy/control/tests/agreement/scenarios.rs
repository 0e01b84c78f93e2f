//! What is promised, a scene each.

use super::fleet::*;
use crate::proxy::control::tests::*;

fn three() -> Fleet {
    let mut fleet = Fleet::start(&documents(3, "stop"), fastrand::Rng::with_seed(7));
    fleet.run(LEASE + 3 * SECOND);
    assert_eq!(fleet.all_serve(), Some(0), "{}", fleet.in_words());
    fleet
}

fn epochs(fleet: &Fleet) -> Vec<u64> {
    fleet.epochs().into_iter().map(|(_, epoch)| epoch).collect()
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn proxies_that_have_taken_their_seats_serve_the_primary() {
    let fleet = three();
    assert_eq!(epochs(&fleet), [0, 0, 0]);
    assert!(fleet.proxies.iter().all(|proxy| proxy.machine.alarms().is_empty()), "{}", fleet.in_words());
}

#[test]
fn a_dead_backend_is_left_by_all_within_the_detection_time_and_a_second() {
    let mut fleet = three();
    fleet.reach(&[0, 1, 2], 0, false);
    fleet.run(DETECTION + SECOND);
    assert_eq!(fleet.all_serve(), Some(1), "{}", fleet.in_words());
    assert_eq!(epochs(&fleet), [1, 1, 1]);
}

#[test]
fn many_services_on_a_dead_backend_leave_it_as_soon_as_one_and_by_few_writes() {
    let more = 199;
    let mut fleet = Fleet::start(&documents_with_more(3, more), fastrand::Rng::with_seed(7));
    fleet.run(3 * SECOND);
    let before = fleet.store.revision;
    fleet.reach(&[0, 1, 2], 0, false);
    fleet.run(DETECTION + SECOND);
    for proxy in &fleet.proxies {
        let moved = |service: &String| proxy.machine.state.latches.get(service).unwrap().latch().unwrap().epoch == 1;
        let services = (0..more).map(|number| format!("s{number}"));
        assert_eq!(services.filter(moved).count(), more);
        assert!(proxy.machine.alarms().is_empty(), "{}", proxy.machine.alarms());
    }
    assert_eq!(fleet.all_serve(), Some(1));
    let writes = fleet.store.revision - before;
    assert!(writes < 40, "{writes} writes");
}

#[test]
fn a_proxy_that_alone_finds_the_backend_down_moves_nobody() {
    let mut fleet = three();
    fleet.reach(&[1], 0, false);
    fleet.run(60 * SECOND);
    assert_eq!(epochs(&fleet), [0, 0, 0]);
    assert_eq!((fleet.serves(0), fleet.serves(1), fleet.serves(2)), (Some(0), None, Some(0)));
}

#[test]
fn proxies_of_which_each_reaches_another_backend_come_to_rest_without_a_move() {
    let mut fleet = three();
    fleet.reach(&[0], 0, false);
    fleet.reach(&[1], 1, false);
    fleet.run(75 * SECOND);
    assert_eq!(epochs(&fleet), [0, 0, 0]);
}

#[test]
fn a_minority_that_the_store_does_not_hear_serves_nothing_and_moves_nothing() {
    let mut fleet = three();
    fleet.proxies[2].is_cut_off = true;
    fleet.cut = vec![(0, 2), (1, 2)];
    fleet.reach(&[2], 0, false);
    fleet.run(LEASE + SECOND);
    assert_eq!(fleet.proxies[2].machine.view(), LatchView::Unagreed);
    assert!(fleet.proxies[2].machine.alarms().contains("no word from etcd"), "{}", fleet.in_words());
    fleet.run(60 * SECOND);
    assert_eq!(epochs(&fleet), [0, 0, 0]);
    assert_eq!((fleet.serves(0), fleet.serves(1)), (Some(0), Some(0)));
    fleet.proxies[2].is_cut_off = false;
    fleet.cut.clear();
    fleet.reach(&[2], 0, true);
    fleet.run(5 * SECOND);
    assert_eq!(fleet.all_serve(), Some(0), "{}", fleet.in_words());
}

#[test]
fn the_majority_goes_on_without_a_silent_proxy_once_its_lease_has_run_out() {
    let mut fleet = three();
    fleet.pause(2);
    fleet.reach(&[0, 1], 0, false);
    fleet.run(DETECTION + LEASE + SECOND);
    assert_eq!((fleet.serves(0), fleet.serves(1)), (Some(1), Some(1)), "{}", fleet.in_words());
    fleet.run(16 * SECOND);
    fleet.resume(2);
    assert_eq!(fleet.serves(2), None, "its lease has run out");
    fleet.reach(&[2], 0, false);
    fleet.run(10 * SECOND);
    assert_eq!(fleet.all_serve(), Some(1), "{}", fleet.in_words());
}

#[test]
fn of_two_operators_at_once_one_wins_and_the_other_is_told() {
    let mut fleet = three();
    let (one, other) = (fleet.failover(0, 1, false).unwrap(), fleet.failover(1, 2, false).unwrap());
    fleet.run(5 * SECOND);
    let ends = [fleet.persistence(0, &one), fleet.persistence(1, &other)];
    let done = ends.iter().filter(|end| **end == Persistence::OnDisk).count();
    let told = ends.iter().filter(|end| matches!(end, Persistence::Withdrawn(_))).count();
    assert_eq!((done, told), (1, 1), "{ends:?}");
    assert_eq!(epochs(&fleet), [1, 1, 1]);
    assert!(fleet.all_serve().is_some_and(|active| active > 0), "{}", fleet.in_words());
}

/// The primary is well again, and the backup that serves has just died.
fn about_to_fail_over(seed: u64) -> Fleet {
    let mut fleet = Fleet::start(&documents(3, "stop"), fastrand::Rng::with_seed(seed));
    fleet.run(LEASE + 3 * SECOND);
    fleet.reach(&[0, 1, 2], 0, false);
    fleet.run(5 * SECOND);
    assert_eq!(fleet.all_serve(), Some(1), "{}", fleet.in_words());
    fleet.reach(&[0, 1, 2], 0, true);
    fleet.run(DETECTION);
    fleet.reach(&[0, 1, 2], 1, false);
    fleet
}

#[test]
fn a_failback_at_the_moment_of_a_failover_is_done_and_stands_or_the_operator_is_told_that_it_is_withdrawn() {
    let (mut done, mut withdrawn) = (0, 0);
    for seed in 0..40 {
        let mut fleet = about_to_fail_over(seed);
        let agreed = |fleet: &Fleet| fleet.store.view().latch(SERVICE).map_or(0, |(latch, _)| latch.epoch);
        while agreed(&fleet) < 2 {
            assert!(fleet.step(Duration::MAX).is_some());
        }
        let (moves_at, before) = (fleet.now, Duration::from_micros(seed * 400));
        // The same again, and the operator says so to all proxies a moment before the step is made.
        let mut fleet = about_to_fail_over(seed);
        fleet.run(moves_at - before - fleet.now);
        let mut asked: Vec<(usize, Change)> = (0..3).filter_map(|own| Some((own, fleet.failback(own).ok()?))).collect();
        let mut is_done = false;
        let until = fleet.now + 5 * SECOND;
        while !asked.is_empty() && fleet.step(until).is_some() {
            fleet.assert_one_backend_answers();
            asked.retain(|(own, change)| match fleet.persistence(*own, change) {
                Persistence::Pending => true,
                Persistence::OnDisk => {
                    is_done = true;
                    false
                }
                Persistence::Withdrawn(why) => {
                    withdrawn += 1;
                    assert!(why.contains("shop is on web4, and the step to web2 is withdrawn: web3 is down"), "{why}");
                    false
                }
                Persistence::Failed(why) => panic!("{why}"),
            });
        }
        assert!(asked.is_empty(), "everybody is told what became of it: {asked:?}\n{}", fleet.in_words());
        fleet.run(20 * SECOND);
        assert_eq!(fleet.all_serve(), Some(if is_done { 0 } else { 2 }), "seed {seed}: {}", fleet.in_words());
        done += usize::from(is_done);
    }
    assert!(done > 0 && withdrawn > 0, "both come about: {done} done, {withdrawn} withdrawn");
}

#[test]
fn a_step_is_done_when_the_store_has_it_and_not_when_a_peer_does() {
    let mut fleet = three();
    let yesterday = fleet.store.clone();
    fleet.failover(1, 1, false).unwrap();
    fleet.run(3 * SECOND);
    (fleet.proxies[1].is_cut_off, fleet.proxies[2].is_cut_off) = (true, true);
    fleet.restore(yesterday);
    fleet.restart(0, false);
    // It knows the step from its peers before it has told the store.
    let until = fleet.now + 2 * SECOND;
    let mut asked = None;
    while fleet.step(until).is_some() {
        asked = asked.or_else(|| fleet.failover(0, 1, false).ok());
        let is_done = asked.as_ref().is_some_and(|change| fleet.persistence(0, change) == Persistence::OnDisk);
        let agreed = fleet.store.view().latch(SERVICE).map(|(latch, _)| latch.active.clone());
        assert!(!is_done || agreed.as_deref() == Some(BACKENDS[1]), "{}", fleet.in_words());
    }
    assert_eq!(fleet.persistence(0, &asked.unwrap()), Persistence::OnDisk, "{}", fleet.in_words());
}

#[test]
fn without_the_store_nothing_moves_and_the_operators_last_word_is_taken_in_when_it_is_back() {
    let mut fleet = three();
    fleet.store_is_down = true;
    fleet.run(2 * LEASE);
    assert_eq!(fleet.all_serve(), None);
    let refused = fleet.failover(0, 1, false).unwrap_err();
    assert!(format!("{refused:?}").contains("--without-agreement"), "{refused:?}");
    for own in 0..3 {
        fleet.failover(own, 1, true).unwrap();
    }
    fleet.run(2 * SECOND);
    assert_eq!(fleet.all_serve(), Some(1), "{}", fleet.in_words());
    assert!(fleet.proxies[0].machine.alarms().contains("without agreement"), "{}", fleet.in_words());
    fleet.store_is_down = false;
    fleet.run(5 * SECOND);
    assert_eq!(fleet.all_serve(), Some(1), "{}", fleet.in_words());
    assert_eq!(fleet.agreed.last_key_value().unwrap().1.active, BACKENDS[1]);
    assert!(fleet.proxies.iter().all(|proxy| proxy.machine.alarms().is_empty()), "{}", fleet.in_words());
    let refused = fleet.failover(0, 2, true).unwrap_err();
    assert!(format!("{refused:?}").contains("the proxies can agree"), "{refused:?}");
}

#[test]
fn the_last_word_may_be_to_stay_or_to_go_back_to_a_backend_that_was_left() {
    let mut fleet = three();
    fleet.reach(&[0, 1, 2], 0, false);
    fleet.run(5 * SECOND);
    assert_eq!(fleet.all_serve(), Some(1), "{}", fleet.in_words());
    fleet.reach(&[0, 1, 2], 0, true);
    fleet.store_is_down = true;
    fleet.run(2 * LEASE);
    assert_eq!(fleet.all_serve(), None);
    for to in [1, 0] {
        for own in 0..3 {
            fleet.failover(own, to, true).unwrap();
        }
        // Nobody waits for the others.
        let moved = fleet.now + 3 * SECOND;
        while fleet.step(moved).is_some() {}
        assert_eq!(fleet.all_serve(), Some(to), "{}", fleet.in_words());
    }
    fleet.store_is_down = false;
    fleet.run(5 * SECOND);
    assert_eq!(fleet.all_serve(), Some(0), "{}", fleet.in_words());
    assert!(fleet.proxies.iter().all(|proxy| proxy.machine.alarms().is_empty()), "{}", fleet.in_words());
}

#[test]
fn a_service_that_keeps_is_served_without_the_store_and_never_moves() {
    let mut fleet = Fleet::start(&documents(3, "keep"), fastrand::Rng::with_seed(7));
    fleet.run(3 * SECOND);
    fleet.store_is_down = true;
    fleet.run(60 * SECOND);
    assert_eq!(fleet.all_serve(), Some(0), "{}", fleet.in_words());
    fleet.reach(&[0, 1, 2], 0, false);
    fleet.run(60 * SECOND);
    assert_eq!(epochs(&fleet), [0, 0, 0], "nothing moves");
    assert!(fleet.proxies[0].machine.alarms().contains("no word from etcd"), "{}", fleet.in_words());
    fleet.store_is_down = false;
    fleet.run(5 * SECOND);
    assert_eq!(fleet.all_serve(), Some(1), "{}", fleet.in_words());
}

#[test]
fn a_store_that_was_restored_from_before_is_told_what_was_agreed() {
    let mut fleet = three();
    let yesterday = fleet.store.clone();
    fleet.reach(&[0, 1, 2], 0, false);
    fleet.run(10 * SECOND);
    assert_eq!(epochs(&fleet), [1, 1, 1]);
    fleet.store_is_down = true;
    fleet.run(2 * LEASE);
    fleet.store = yesterday;
    fleet.store_is_down = false;
    fleet.run(10 * SECOND);
    assert_eq!(epochs(&fleet), [1, 1, 1]);
    assert_eq!(fleet.all_serve(), Some(1), "{}", fleet.in_words());
}

#[test]
fn a_proxy_that_starts_beside_others_that_serve_what_a_restored_store_does_not_know_waits_for_their_leases() {
    // A store that is restored may know the seats and leases that it had.
    for knows_leases in [false, true] {
        let mut fleet = three();
        let mut yesterday = fleet.store.clone();
        fleet.failover(1, 1, false).unwrap();
        fleet.run(3 * SECOND);
        assert_eq!(fleet.all_serve(), Some(1), "{}", fleet.in_words());
        if knows_leases {
            let until = fleet.now + LEASE;
            yesterday.leases.values_mut().for_each(|at| *at = until);
        }
        (fleet.proxies[1].is_cut_off, fleet.proxies[2].is_cut_off) = (true, true);
        fleet.cut = vec![(0, 1), (0, 2)];
        fleet.restore(yesterday);
        fleet.restart(0, false);
        fleet.run(SECOND);
        assert_eq!(
            (fleet.serves(0), fleet.serves(1), fleet.serves(2)),
            (None, Some(1), Some(1)),
            "{}",
            fleet.in_words()
        );
        let alarms = fleet.proxies[0].machine.alarms();
        assert!(alarms.contains("this proxy has just started: shop is served here in 5s"), "{alarms}");
        fleet.run(2 * LEASE);
        assert_eq!(
            (fleet.serves(0), fleet.serves(1)),
            (Some(0), None),
            "it has waited long enough: {}",
            fleet.in_words()
        );
        (fleet.proxies[1].is_cut_off, fleet.proxies[2].is_cut_off) = (false, false);
        fleet.cut.clear();
        fleet.run(2 * LEASE);
        assert_eq!(fleet.all_serve(), Some(1), "{}", fleet.in_words());
    }
}

#[test]
fn a_proxy_that_starts_stands_back_while_it_waits_for_leases_that_it_does_not_know() {
    let mut fleet = three();
    fleet.restart(1, true);
    fleet.run(3 * SECOND);
    assert_eq!((fleet.serves(0), fleet.serves(1), fleet.serves(2)), (Some(0), None, Some(0)), "{}", fleet.in_words());
    assert!(!fleet.proxies[1].machine.state.snapshot().ready, "nameservers send visitors to the others");
    fleet.run(LEASE);
    assert_eq!(fleet.all_serve(), Some(0), "{}", fleet.in_words());
    assert!(fleet.proxies[1].machine.state.snapshot().ready);
    assert!(fleet.proxies.iter().all(|proxy| proxy.machine.alarms().is_empty()), "{}", fleet.in_words());
}

#[test]
fn a_proxy_that_comes_back_with_an_old_disk_takes_what_was_agreed() {
    let mut fleet = three();
    fleet.reach(&[0, 1, 2], 0, false);
    fleet.run(10 * SECOND);
    fleet.restart(1, false);
    fleet.run(10 * SECOND);
    assert_eq!(epochs(&fleet), [1, 1, 1]);
    assert_eq!(fleet.all_serve(), Some(1), "{}", fleet.in_words());
}

#[test]
fn a_start_is_not_ready_before_it_has_a_seat_or_knows_that_it_gets_none() {
    let mut fleet = Fleet::start(&documents(3, "stop"), fastrand::Rng::with_seed(7));
    assert!(fleet.proxies.iter().all(|proxy| proxy.machine.state.is_writing()), "nothing is known yet");
    fleet.run(3 * SECOND);
    assert!(fleet.proxies.iter().all(|proxy| !proxy.machine.state.is_writing()), "{}", fleet.in_words());
    fleet.restart(1, true);
    assert!(fleet.proxies[1].machine.state.is_writing());
    fleet.take(1, Event::Agreement(crate::proxy::agreement::Event::Lost("connection refused".into())));
    assert!(!fleet.proxies[1].machine.state.is_writing(), "it serves what needs no agreement");
}

#[test]
fn leases_that_the_store_ends_early_are_replaced_and_visitors_wait_meanwhile() {
    let mut fleet = three();
    fleet.store.revoke_all(fleet.now);
    let mut have_waited = false;
    let over = fleet.now + LEASE;
    while fleet.step(over).is_some() {
        fleet.assert_one_backend_answers();
        let views: Vec<LatchView> = fleet.proxies.iter().map(|proxy| proxy.machine.view()).collect();
        assert!(!views.contains(&LatchView::Unagreed), "{}", fleet.in_words());
        have_waited |= views.contains(&LatchView::Hold);
    }
    assert!(have_waited);
    assert_eq!((fleet.all_serve(), epochs(&fleet)), (Some(0), vec![0, 0, 0]), "{}", fleet.in_words());
}

#[test]
fn where_leases_were_ended_early_nobody_moves_on_before_those_who_have_not_heard_of_it_would_have_lapsed() {
    for seed in 0..40 {
        let mut fleet = Fleet::start(&documents(3, "stop"), fastrand::Rng::with_seed(seed));
        fleet.run(LEASE + 3 * SECOND);
        fleet.proxies[2].is_cut_off = true;
        fleet.cut = vec![(0, 2), (1, 2)];
        fleet.store.revoke_all(fleet.now);
        fleet.reach(&[0, 1], 0, false);
        // Each step looks at who answers: the one that is cut off serves the primary until its lease would have lapsed.
        fleet.run(2 * LEASE + DETECTION + SECOND);
        assert_eq!(
            (fleet.serves(0), fleet.serves(1), fleet.serves(2)),
            (Some(1), Some(1), None),
            "{}",
            fleet.in_words()
        );
    }
}

#[test]
fn visitors_notice_nothing_while_the_proxies_begin_to_agree() {
    for seed in 0..40 {
        let mut fleet = Fleet::start(&documents_of_peers(3), fastrand::Rng::with_seed(seed));
        fleet.run(3 * SECOND);
        begin_to_agree(&mut fleet, 0);
        assert_eq!(fleet.store.view().latch(SERVICE).map(|(latch, _)| latch.epoch), Some(0));
    }
}

#[test]
fn visitors_notice_nothing_while_proxies_begin_to_agree_whose_service_has_moved_before() {
    for seed in 0..40 {
        let mut fleet = Fleet::start(&documents_of_peers(3), fastrand::Rng::with_seed(seed));
        fleet.run(3 * SECOND);
        fleet.failover(0, 1, false).unwrap();
        // By peers alone they move one after the other.
        let moved = fleet.now + 10 * SECOND;
        while fleet.step(moved).is_some() {}
        begin_to_agree(&mut fleet, 1);
        assert_eq!(fleet.store.view().latch(SERVICE).map(|(latch, _)| latch.epoch), Some(1));
    }
}

#[test]
fn visitors_notice_nothing_where_agreement_is_taken_out_and_put_back_while_seats_of_before_are_there() {
    for seed in 0..20 {
        let mut fleet = Fleet::start(&documents(3, "stop"), fastrand::Rng::with_seed(seed));
        fleet.run(3 * SECOND);
        fleet.reload(&documents_of_peers(3));
        fleet.run(SECOND);
        assert!(fleet.store.view().seat("px1").is_some());
        begin_to_agree(&mut fleet, 0);
    }
}

#[test]
fn a_proxy_that_begins_to_agree_by_a_store_that_has_forgotten_moves_nothing_beside_one_that_may_still_serve() {
    let mut fleet = three();
    fleet.failover(0, 1, false).unwrap();
    fleet.run(5 * SECOND);
    assert_eq!(fleet.all_serve(), Some(1), "{}", fleet.in_words());
    fleet.reload_one(2, documents_of_peers(3)[2].clone());
    fleet.run(SECOND);
    // The first hears nothing of what follows, and serves by its lease until that has run out.
    fleet.proxies[0].is_cut_off = true;
    fleet.cut = vec![(0, 1), (0, 2)];
    fleet.forget();
    fleet.reload_one(2, documents(3, "stop")[2].clone());
    fleet.run(SECOND / 2);
    fleet.failover(2, 2, false).unwrap();
    fleet.run(3 * LEASE);
    assert_eq!((fleet.serves(1), fleet.serves(2)), (Some(2), Some(2)), "{}", fleet.in_words());
}

#[test]
fn proxies_that_have_moved_apart_come_together_when_they_begin_to_agree() {
    let mut fleet = Fleet::start(&documents_of_peers(2), fastrand::Rng::with_seed(7));
    fleet.run(3 * SECOND);
    fleet.cut = vec![(0, 1)];
    fleet.failover(0, 1, false).unwrap();
    fleet.failover(1, 2, false).unwrap();
    let moved = fleet.now + 2 * SECOND;
    while fleet.step(moved).is_some() {}
    assert_eq!((fleet.serves(0), fleet.serves(1)), (Some(1), Some(2)));
    fleet.reload(&documents(2, "stop"));
    while fleet.store.view().seat("px1").is_none() || fleet.store.view().seat("px2").is_none() {
        assert!(fleet.step(moved + 4 * LEASE).is_some(), "{}", fleet.in_words());
    }
    // With both seats taken the promise holds.
    fleet.run(LEASE);
    assert!(fleet.all_serve().is_some(), "{}", fleet.in_words());
}

fn begin_to_agree(fleet: &mut Fleet, active: usize) {
    assert_eq!(fleet.all_serve(), Some(active), "{}", fleet.in_words());
    fleet.store_is_down = true;
    fleet.reload(&documents(3, "stop"));
    for until in [fleet.now + LEASE / 2, fleet.now + 2 * LEASE] {
        while fleet.step(until).is_some() {
            assert_eq!(fleet.all_serve(), Some(active), "{:?}\n{}", fleet.now, fleet.in_words());
        }
        fleet.store_is_down = false;
    }
    assert!(fleet.proxies.iter().all(|proxy| proxy.machine.alarms().is_empty()), "{}", fleet.in_words());
}

#[test]
fn a_proxy_that_cannot_begin_to_agree_says_so_and_stops_when_the_time_of_a_lease_is_over() {
    let mut fleet = Fleet::start(&documents_of_peers(3), fastrand::Rng::with_seed(7));
    fleet.run(3 * SECOND);
    fleet.store_is_down = true;
    fleet.reload(&documents(3, "stop"));
    fleet.run(LEASE - SECOND);
    assert_eq!(fleet.all_serve(), Some(0), "{}", fleet.in_words());
    assert!(fleet.proxies[0].machine.alarms().contains("no word from etcd"), "{}", fleet.in_words());
    fleet.run(2 * SECOND);
    assert_eq!(fleet.proxies[0].machine.view(), LatchView::Unagreed);
}

#[test]
fn a_proxy_that_agrees_no_more_and_hears_nobody_leaves_its_backend_no_sooner_than_after_a_start() {
    let mut fleet = three();
    fleet.proxies[2].is_cut_off = true;
    fleet.cut = vec![(0, 2), (1, 2)];
    fleet.reach(&[2], 0, false);
    fleet.run(2 * LEASE);
    fleet.reload(&documents_of_peers(3));
    fleet.run(SECOND);
    fleet.cut.clear();
    fleet.run(60 * SECOND);
    assert_eq!(epochs(&fleet), [0, 0, 0], "its peers, which it hears again, find the backend up");
}

#[test]
fn a_store_that_is_read_and_takes_nothing_is_an_alarm_that_says_why() {
    let mut fleet = three();
    fleet.store_is_full = true;
    fleet.reach(&[0, 1, 2], 0, false);
    fleet.run(DETECTION + LEASE + 3 * SECOND);
    assert_eq!(epochs(&fleet), [0, 0, 0]);
    for proxy in &fleet.proxies {
        assert!(
            proxy.machine.alarms().contains("etcd takes nothing (mvcc: database space exceeded)"),
            "{}",
            fleet.in_words()
        );
    }
    fleet.store_is_full = false;
    fleet.run(5 * SECOND);
    assert_eq!(fleet.all_serve(), Some(1), "{}", fleet.in_words());
    assert!(!fleet.in_words().contains("takes nothing"), "{}", fleet.in_words());
}

/// Whether this proxy says that it serves the service, and why it does not.
fn shown(fleet: &Fleet, own: usize) -> (bool, String) {
    let machine = &fleet.proxies[own].machine;
    let shown = status(&machine.state, &Live::default(), machine.now);
    let service = shown.services.into_iter().find(|service| service.name == SERVICE).unwrap();
    (service.usable, service.why_unusable.unwrap_or_default())
}

#[test]
fn a_latch_in_the_store_that_cannot_be_read_stops_the_service_which_status_says() {
    let strange = json!({ "epoch": 1, "by": "px1", "at": 0, "active": "no name", "spent": [], "reason": "x" });
    for value in ["junk".to_owned(), strange.to_string()] {
        let mut fleet = three();
        fleet.overwrite(Some(&value));
        fleet.run(SECOND);
        for own in 0..3 {
            assert_eq!(shown(&fleet, own), (false, "what etcd has of its latch cannot be read".into()));
            let alarms = fleet.proxies[own].machine.alarms();
            assert!(alarms.contains("etcdctl del") && !alarms.contains("lease"), "{alarms}");
        }
        let refused = format!("{:?}", fleet.failover(0, 1, false).map(|_| ()));
        assert!(refused.contains("latch cannot be read") && refused.contains("--without-agreement"), "{refused}");
        fleet.overwrite(None);
        fleet.run(SECOND);
        assert_eq!(fleet.all_serve(), Some(0), "the proxies write what they have: {}", fleet.in_words());
        assert_eq!(shown(&fleet, 0), (true, String::new()));
    }
}

#[test]
fn an_operator_has_the_last_word_where_the_latch_in_the_store_cannot_be_read() {
    let mut fleet = three();
    fleet.overwrite(Some("junk"));
    fleet.run(SECOND);
    fleet.failover(0, 1, true).unwrap();
    fleet.run(SECOND);
    assert_eq!(fleet.all_serve(), Some(1), "peers hear of it: {}", fleet.in_words());
    fleet.overwrite(None);
    fleet.run(2 * LEASE);
    assert_eq!(fleet.all_serve(), Some(1), "it is taken in: {}", fleet.in_words());
}

#[test]
fn a_latch_in_the_store_that_names_a_backend_of_no_document_stops_the_service_which_status_says() {
    let mut fleet = three();
    let strange = json!({ "epoch": 1, "by": "px1", "at": 0, "active": "web9", "spent": [], "reason": "x" });
    fleet.overwrite(Some(&strange.to_string()));
    fleet.run(SECOND);
    for own in 0..3 {
        assert_eq!(shown(&fleet, own), (false, "web9 is active, which the document does not have".into()));
        assert!(fleet.proxies[own].machine.alarms().contains("web9"), "{}", fleet.in_words());
    }
    fleet.failover(0, 1, false).unwrap();
    fleet.run(3 * SECOND);
    assert_eq!(fleet.all_serve(), Some(1), "an operator decides: {}", fleet.in_words());
    assert_eq!(shown(&fleet, 0), (true, String::new()));
}
