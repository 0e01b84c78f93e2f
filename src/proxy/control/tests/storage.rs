//! Latches and the disk: what is written before it counts, and what a disk that is full, slow or damaged does.

use super::*;

#[test]
fn a_failover_is_on_disk_before_a_request_is_answered_by_it() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    machine.set("shop/web2", Verdict::Down);
    assert_eq!(machine.view(), LatchView::Active(1));
    assert_eq!(machine.written.last().unwrap().latches["shop"].active, "web3");
    assert_eq!(machine.published, [1, 2, 3], "the first, the one that holds requests, the one that moves them");
    assert_eq!(machine.told.as_ref().unwrap()["latches"]["shop"]["active"], "web3");
    assert_eq!(machine.alarms(), "");
}

#[test]
fn a_full_disk_does_not_stop_a_failover_but_raises_an_alarm_until_it_is_written() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    machine.disk_works = false;
    machine.set("shop/web2", Verdict::Down);
    assert_eq!(machine.view(), LatchView::Active(1));
    assert!(machine.alarms().contains("disk full") && !machine.state.latches.is_stored("shop"));
    machine.disk_works = true;
    machine.pass(Duration::from_secs(1));
    assert!(machine.state.is_unwritten(), "the next try is later");
    machine.pass(Duration::from_secs(2));
    assert!(!machine.state.is_unwritten() && machine.state.latches.is_stored("shop"));
    assert_eq!(machine.alarms(), "");
}

/// A failover of the shop to web3, up to the write that its answer waits for: the change, and that write.
fn failed_over(machine: &mut Machine) -> (Change, u64) {
    let command = failover_command("shop", Some("web3"));
    let Accepted { change, effects, .. } = machine.state.failover(&command, machine.now).unwrap();
    let write = |effects: &[Effect]| {
        effects.iter().find_map(|effect| match effect {
            Effect::WriteLatches { ticket, .. } => Some(*ticket),
            _ => None,
        })
    };
    let ticket = write(&effects).or_else(|| write(&machine.state.on_event(Event::Time, machine.now)));
    assert_eq!(machine.state.persistence(&change, machine.now), Persistence::Pending, "it is not on disk");
    (change, ticket.unwrap())
}

#[test]
fn an_operators_failover_is_answered_when_it_is_on_disk_and_a_failed_or_late_write_is_an_error() {
    let ends = |how: &str| [WriteOutcome::Written, WriteOutcome::Failed(how.into()), WriteOutcome::Late(how.into())];
    for ended in ends("the disk is gone") {
        let mut machine = Machine::start(StoredLatches::Missing, false);
        let (change, ticket) = failed_over(&mut machine);
        machine.state.on_event(Event::LatchesWritten { ticket, ended: ended.clone() }, machine.now);
        assert_eq!(machine.latch().active, "web3", "{ended:?}");
        match (machine.state.persistence(&change, machine.now), ended) {
            (Persistence::OnDisk, WriteOutcome::Written) => {}
            (Persistence::Failed(why), WriteOutcome::Failed(_) | WriteOutcome::Late(_)) => {
                assert!(why.contains("shop is on web3, but that is not on disk (the disk is gone)"), "{why}");
            }
            (kept, ended) => panic!("{ended:?} was answered with {kept:?}"),
        }
    }
}

#[test]
fn an_operators_failover_that_something_else_overtook_is_answered_with_what_is_so() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let (change, ticket) = failed_over(&mut machine);
    machine.take(Event::LatchesWritten { ticket, ended: WriteOutcome::Written });
    machine.take(peer(latch_value(9, "web2")));
    let kept = machine.state.persistence(&change, machine.now);
    assert!(matches!(&kept, Persistence::Withdrawn(why) if why.contains("shop is on web2")), "{kept:?}");
}

#[test]
fn a_disk_that_does_not_answer_holds_a_failover_back_for_its_time_only() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let mut health = (*machine.state.health).clone();
    health.iter_mut().filter(|(target, _)| target.address.port() == 8080).for_each(|(target, health)| {
        health.verdict = if target.address.ip().to_string() == "192.0.2.2" { Verdict::Down } else { Verdict::Up };
    });
    let effects = machine.state.on_event(Event::Health(Arc::new(health)), machine.now);
    assert_eq!(machine.view(), LatchView::Hold);
    let ticket = effects.iter().find_map(|effect| match effect {
        Effect::WriteLatches { ticket, .. } => Some(*ticket),
        _ => None,
    });
    let ticket = ticket.unwrap();
    machine.take(Event::LatchesWritten { ticket, ended: WriteOutcome::Late("no answer".into()) });
    assert_eq!(machine.view(), LatchView::Active(1));
    assert!(machine.alarms().contains("no answer"));
    machine.take(Event::LatchesWritten { ticket, ended: WriteOutcome::Written });
    assert!(machine.state.latches.is_stored("shop"));
    assert_eq!(machine.alarms(), "");
}

#[test]
fn a_restart_while_the_primary_still_starts_leaves_it_its_grace_though_the_backup_was_known_to_be_up() {
    let prepared = prepared();
    let shop = prepared.service("shop").unwrap();
    let (primary, backup) = (shop.backends[0].target.clone(), shop.backends[1].target.clone());
    let mut now_known = health(&prepared, Verdict::Up);
    now_known.get_mut(&primary).unwrap().verdict = Verdict::Down;
    let known = |remembered: HealthView| InitialState {
        health: now_known.clone().into(),
        operator: OperatorStates::default(),
        operator_lost: None,
        latches: Latches::restore(StoredLatches::Missing),
        damaged: None,
        acme: Default::default(),
        remembered,
        predecessor: None,
        words: Vec::new(),
    };
    let mut only_backup = health(&prepared, Verdict::Up);
    only_backup.retain(|target, _| *target == *backup);
    let record = Record { latches: [("shop".into(), Latch::first("web2"))].into(), ..Record::default() };
    let latches = || Latches::restore(StoredLatches::Whole(record.clone()));
    let start = |remembered: HealthView| {
        Machine::start_with(prepared.clone(), InitialState { latches: latches(), ..known(remembered) })
    };
    assert_eq!(start(only_backup).view(), LatchView::Hold);
    let mut saved = health(&prepared, Verdict::Up);
    saved.values_mut().for_each(|known| known.hearsay = true);
    assert_eq!(start(saved).view(), LatchView::Hold, "what a process that ended saw shortens no grace");
    let mut by_hearsay = health(&prepared, Verdict::Up);
    by_hearsay.values_mut().for_each(|known| known.hearsay = true);
    let known = InitialState { health: by_hearsay.clone().into(), ..known(by_hearsay) };
    let mut again = Machine::start_with(prepared.clone(), InitialState { latches: latches(), ..known });
    assert_eq!(again.view(), LatchView::Active(0), "it serves by that");
    again.set("shop/web2", Verdict::Down);
    assert_eq!(again.view(), LatchView::Hold, "and has its grace");
    let was_up = start(health(&prepared, Verdict::Up));
    assert_eq!((was_up.latch().epoch, was_up.view()), (1, LatchView::Active(1)), "it died a moment ago");
}

#[test]
fn a_damaged_slot_is_an_alarm_that_names_the_command() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    machine.state.damaged = Some("latches.b: its checksum does not match its content".into());
    let alarms = machine.alarms();
    assert!(
        alarms.contains("latches.b: its checksum") && alarms.contains("polder failover SERVICE --to BACKEND"),
        "{alarms}"
    );
}
