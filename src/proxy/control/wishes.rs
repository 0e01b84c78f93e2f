//! Steps of latches where the proxies agree by a store: what is decided here is a wish, which the store grants or not (pure).

use std::collections::BTreeMap;

use super::prepared::PreparedService;
use crate::api::operator::OperatorState;
use crate::proxy::agreement::{Agreement, Step};
use crate::proxy::latch::{Keeper, Latch, Situation};

/// Which snapshot first said what is in force of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) epoch: u64,
    pub(super) generation: u64,
}

/// What our checks make a keeper do becomes a wish, which the others are asked for.
pub(super) fn wish_by_health(
    agreement: &mut Agreement,
    keeper: &mut Keeper,
    situation: &Situation<'_>,
    service: &PreparedService,
) {
    let name = situation.service;
    // What a proxy that is in doubt settles with its peers is no step.
    if keeper.latch().is_none() {
        return;
    }
    let next = keeper.take_own_step();
    if agreement.wanted(name).is_some_and(Step::is_operators) {
        return;
    }
    match next.filter(|next| !leaves_out_a_better(agreement, next, situation, service)) {
        // What was to be left is well again, or somebody else finds a better one.
        None => agreement.unwant(name),
        Some(next) => {
            let condemned = keeper.latch().and_then(|latch| to_be_condemned(latch, situation, service));
            agreement.want(name, Step { next, condemned });
        }
    }
}

/// The operator's step becomes a wish, which the store grants to one of those who have one.
pub(super) fn wish_by_operator(agreement: &mut Agreement, keeper: &mut Keeper, service: &str) {
    if keeper.latch().is_none() {
        return;
    }
    if let Some(next) = keeper.take_own_step() {
        agreement.want(service, Step { next: Latch { by_operator: true, ..next }, condemned: None });
    }
}

/// Of a peer's latches those that the store does not contradict.
pub(super) fn not_contradicted(agreement: &Agreement, theirs: &BTreeMap<String, Latch>) -> BTreeMap<String, Latch> {
    let may_be_taken =
        |(service, latch): &(&String, &Latch)| agreement.latch(service).is_none_or(|agreed| latch.epoch > agreed.epoch);
    theirs.iter().filter(may_be_taken).map(|(service, latch)| (service.clone(), latch.clone())).collect()
}

/// The backend that must be found down by most before it is left; none: it is left for another reason.
fn to_be_condemned(latch: &Latch, situation: &Situation<'_>, service: &PreparedService) -> Option<String> {
    let place = service.backends.iter().position(|backend| *backend.name == *latch.active)?;
    let is_out = situation.backends.get(place).is_none_or(|state| state.operator == OperatorState::Maint);
    (!is_out).then(|| service.backends[place].told_as.clone())
}

/// Whether the seats find a backend well that comes before the one of a step: those who see it are left to make theirs.
fn leaves_out_a_better(
    agreement: &Agreement,
    next: &Latch,
    situation: &Situation<'_>,
    service: &PreparedService,
) -> bool {
    let is_well = |name: &str| {
        let told_as = service.backends.iter().find(|backend| *backend.name == *name).map(|backend| &backend.told_as);
        told_as.is_some_and(|subject| agreement.votes(&service.name, subject).most_find_it_up())
    };
    let mut before = situation.in_order().take_while(|backend| backend.name != next.active);
    before.any(|backend| {
        let may_follow = backend.operator == OperatorState::Ready;
        may_follow && !next.failed_from.iter().any(|name| name == backend.name) && is_well(backend.name)
    })
}
