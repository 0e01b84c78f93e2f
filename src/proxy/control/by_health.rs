//! Steps of latches that follow from what checks say (pure).

use super::build::backend_states;
use super::prepared::PreparedService;
use super::wishes::wish_by_health;
use super::{Effect, State, lines};
use crate::proxy::latch::{Keeper, Now, Situation};
use crate::proxy::snapshot::{Backend, Snapshot};

impl State {
    pub(super) fn step_latches(&mut self, now: Now) -> Vec<Effect> {
        let prepared = self.prepared.clone();
        let steps = prepared.services.iter();
        steps
            .filter_map(|service| {
                let mut agreement = self.agreement.take();
                let words = self.with_keeper(service, now, |keeper, situation| {
                    let words = keeper.step(now, situation);
                    if let Some(agreement) = &mut agreement {
                        wish_by_health(agreement, keeper, situation, service);
                    }
                    words
                });
                self.agreement = agreement;
                let words = words??;
                Some(Effect::Log(lines::of_latch(&service.name, words)))
            })
            .collect()
    }

    /// Calls with the keeper of a latched service and what surrounds it.
    pub(super) fn with_keeper<T>(
        &mut self,
        service: &PreparedService,
        now: Now,
        act: impl FnOnce(&mut Keeper, &Situation<'_>) -> T,
    ) -> Option<T> {
        let rules = service.rules()?;
        let backends = backend_states(service, &self.health, &self.operator, &self.isolation, now);
        let isolated = self.isolation.is_isolated(&service.name);
        let keeper = self.latches.get_mut(&service.name)?;
        let running = keeper.latch().map_or(0, |latch| running(&self.snapshot, &service.name, &latch.active));
        let (own, service, agreed) = (&self.own, &service.name, self.prepared.document.agreement.is_some());
        Some(act(keeper, &Situation { own, service, backends: &backends, rules, running, isolated, agreed }))
    }
}

fn running(snapshot: &Snapshot, service: &str, backend: &str) -> u64 {
    let service = snapshot.service(service);
    let backend = service.and_then(|service| service.backends.iter().find(|found| &*found.name == backend));
    backend.map_or(0, Backend::running)
}
