//! What another document does to a running service.

use super::*;

/// The health of a document's targets, `changed` by the subject of who uses them.
fn health_where(prepared: &Prepared, changed: impl Fn(&str, &mut TargetHealth)) -> Event {
    let mut view = health(prepared, Verdict::Up);
    for (target, users) in prepared.targets() {
        users.iter().for_each(|user| changed(user, view.get_mut(&target).unwrap()));
    }
    Event::Health(Arc::new(view))
}

/// The document with one thing changed in its stateful service.
fn with_shop(change: impl Fn(&mut Value)) -> Arc<Prepared> {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
    change(&mut document["services"]["shop"]);
    prepared_from(&document.to_string())
}

#[test]
fn a_changed_check_moves_no_latch_while_the_check_before_passes() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let before = machine.state.prepared.service("shop").unwrap().backends[0].target.clone();
    let old = machine.state.health[&*before].clone();
    let changed = with_shop(|shop| shop["check"] = json!({ "path": "/moved", "fall": 1 }));
    let wrong = |says: Verdict| {
        let (target, health) = ((*before).clone(), TargetHealth { verdict: says, ..old.clone() });
        let before = Arc::new(Before { target, health });
        health_where(&changed, move |user, health| {
            if user == "shop/web2" {
                (health.verdict, health.hearsay) = (Verdict::Down, true);
                health.before = Some(before.clone());
            }
        })
    };
    machine.take(wrong(Verdict::Up));
    machine.take(Event::Reloaded(changed.clone()));
    machine.pass(Duration::from_secs(3600));
    assert_eq!((machine.latch().epoch, machine.view()), (0, LatchView::Active(0)), "the document alone moves nothing");
    assert!(machine.alarms().contains("shop: web2 fails its changed check"), "{}", machine.alarms());
    let mut dead = Machine::start(StoredLatches::Missing, false);
    dead.take(wrong(Verdict::Up));
    dead.take(Event::Reloaded(changed.clone()));
    dead.take(wrong(Verdict::Down));
    assert_eq!((dead.latch().epoch, dead.view()), (1, LatchView::Active(1)), "it fails both");
    machine.take(Event::Health(Arc::new(health(&prepared(), Verdict::Up))));
    machine.take(Event::Reloaded(prepared()));
    assert_eq!((machine.latch().epoch, machine.alarms()), (0, String::new()), "taken back, all is as before");
}

#[test]
fn a_new_target_of_a_running_service_gets_the_start_grace_however_often_documents_change() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let at = |address: &str| {
        let address = address.to_owned();
        with_shop(move |shop| shop["backends"][0]["address"] = json!(address))
    };
    let down = |prepared: &Prepared| {
        health_where(prepared, |user, health| {
            if user == "shop/web2" {
                health.verdict = Verdict::Down;
            }
        })
    };
    let new = at("192.0.2.7:8080");
    machine.take(down(&new));
    machine.take(Event::Reloaded(new.clone()));
    assert_eq!((machine.latch().epoch, machine.view()), (0, LatchView::Hold), "it may be starting");
    machine.pass(Duration::from_secs(9));
    // The same document again, or one where something else changed, neither ends the grace nor begins it anew.
    machine.take(Event::Reloaded(new));
    assert_eq!((machine.latch().epoch, machine.view()), (0, LatchView::Hold));
    let mut waits = machine;
    waits.pass(Duration::from_secs(1));
    assert_eq!((waits.latch().epoch, waits.view()), (1, LatchView::Active(1)), "it had its time");

    let mut machine = Machine::start(StoredLatches::Missing, false);
    for address in ["192.0.2.7:8080", "192.0.2.8:8080", "192.0.2.7:8080"] {
        let next = at(address);
        machine.take(down(&next));
        machine.take(Event::Reloaded(next));
        machine.pass(Duration::from_secs(9));
        assert_eq!((machine.latch().epoch, machine.view()), (0, LatchView::Hold), "{address}");
    }
}

#[test]
fn renaming_the_active_backend_and_taking_that_back_moves_no_latch_over_a_restart_either() {
    let mut machine = Machine::start(StoredLatches::Missing, false);
    let renamed = with_shop(|shop| shop["backends"][0]["name"] = json!("alpha"));
    machine.take(Event::Reloaded(renamed.clone()));
    assert_eq!((&*machine.latch().active, machine.latch().epoch, machine.view()), ("alpha", 0, LatchView::Active(0)));
    let stored = machine.written.pop().unwrap();
    let found = StoredLatches::Whole(serde_json::from_value(serde_json::to_value(stored).unwrap()).unwrap());
    let mut again = Machine::start(found, false);
    assert_eq!((&*again.latch().active, again.latch().epoch, again.view()), ("web2", 0, LatchView::Active(0)));
    again.set("shop/web2", Verdict::Down);
    again.take(Event::Health(Arc::new(health(&renamed, Verdict::Up))));
    again.take(Event::Reloaded(renamed));
    assert_eq!(again.latch().failed_from, ["alpha"], "the failed primary stays failed by its new name");
    assert_eq!(again.view(), LatchView::Active(1));
}
