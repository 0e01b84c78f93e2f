//! When a latch moves by itself, and whereto, as an operator would say it.

use std::time::Duration;

use polder::api::operator::OperatorState;
use polder::health::Verdict;
use polder::proxy::latch::{BackendState, Latch};
use polder::proxy::snapshot::LatchView;

use super::proxy::Proxy;

fn usable(backend: &BackendState<'_>) -> bool {
    backend.verdict == Verdict::Up && backend.operator == OperatorState::Ready
}

fn serves(backend: &BackendState<'_>) -> bool {
    backend.verdict == Verdict::Up && backend.operator != OperatorState::Maint
}

/// Who follows: the first usable backend that nobody failed away from, primaries before backups; else, where that is allowed, the
/// usable one that was failed away from last.
fn follower<'a>(latch: &Latch, proxy: &Proxy, backends: &'a [BackendState<'a>]) -> Option<&'a str> {
    let spent = |name: &str| latch.failed_from.iter().rposition(|spent| spent == name);
    let others: Vec<_> = backends.iter().filter(|one| usable(one) && one.name != latch.active).collect();
    let fresh = others.iter().filter(|one| spent(one.name).is_none()).min_by_key(|one| one.backup);
    let stale = || others.iter().filter(|_| proxy.rules().last_resort).max_by_key(|one| spent(one.name));
    fresh.or_else(stale).map(|one| one.name)
}

/// What a step proposed, or did not.
pub fn holds(mut before: Proxy, after: &mut Proxy, now: Duration) {
    let Some(latch) = before.keeper.latch().cloned() else { return };
    let backends = before.backend_states();
    let active = backends.iter().find(|one| one.name == latch.active);
    let was_proposed = before.keeper.proposed().cloned();
    let wakes = |proxy: &mut Proxy| proxy.at(now, |keeper, now, _| keeper.wakes(now));
    match after.keeper.proposed() {
        Some(next) if was_proposed.as_ref() == Some(next) => {}
        Some(next) if before.keeper.is_handing_over() => {
            // Ours goes to a backend that may serve now, a peer's counts already.
            let target = backends.iter().find(|one| one.name == next.active);
            assert!(target.is_some_and(usable) || *next > latch, "handed over to {next:?}");
        }
        Some(next) => {
            assert!(!active.is_some_and(serves), "moved away from a backend that serves: {next:?}");
            assert_eq!(Some(next.active.as_str()), follower(&latch, &before, &backends), "moved to another backend");
            assert_eq!(next.epoch, latch.epoch + 1, "an epoch was left out");
            let mut spent: Vec<_> = latch.failed_from.iter().filter(|name| **name != latch.active).cloned().collect();
            spent.push(latch.active.clone());
            spent.retain(|name| *name != next.active);
            assert_eq!(next.failed_from, spent, "who was failed away from");
            if active.is_some_and(|active| active.operator != OperatorState::Maint) {
                assert_eq!(wakes(&mut before), None, "moved during its grace");
            }
        }
        None => {
            let idle =
                was_proposed.is_none() && !before.keeper.is_handing_over() && before.keeper.substitute().is_none();
            let Some(active) = active.filter(|active| idle && !serves(active)) else { return };
            if active.verdict == Verdict::Unchecked && active.operator != OperatorState::Maint {
                return;
            }
            let patient = active.operator != OperatorState::Maint && wakes(after).is_some();
            let follower = follower(&latch, &before, &backends);
            assert!(
                patient || follower.is_none(),
                "{} is {}, and {follower:?} does not follow",
                active.name,
                active.verdict
            );
        }
    }
}

/// After a time in which nothing happened: whoever can serve does, or it is said that nobody can.
pub fn is_at_rest(proxy: &Proxy, now: Duration) {
    let mut proxy = proxy.clone();
    let Some(latch) = proxy.keeper.latch().cloned() else { return };
    let backends = proxy.backend_states();
    assert_eq!(proxy.keeper.proposed(), None, "a step is still under way");
    let (view, alarm) = proxy.at(now, |keeper, now, situation| (keeper.view(now, situation), keeper.alarm(situation)));
    let Some(active) = backends.iter().find(|one| one.name == latch.active) else { return };
    if serves(active) {
        let index = backends.iter().position(|one| one.name == latch.active);
        assert_eq!(Some(view), index.map(LatchView::Active), "the active backend can serve and does not");
        assert_eq!(alarm, None, "an alarm though all is well");
    } else if active.verdict != Verdict::Unchecked || active.operator == OperatorState::Maint {
        assert_eq!(follower(&latch, &proxy, &backends), None, "a backend could serve, and {} is active", active.name);
        assert!(alarm.is_some(), "nobody serves, and nobody is told");
    }
}
