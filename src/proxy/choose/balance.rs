//! How requests that nothing binds to a backend are spread over the usable primaries (pure).
//!
//! Owns three rules: weighted smooth round-robin, least-connections, random-two-choices. Must never:
//! pick a backend that is not among the candidates, nor one of weight 0. Called by [`crate::proxy::choose`].

use crate::config::proxy::Balance;
use crate::proxy::snapshot::Backend;

/// One worker's memory of how it has balanced the requests of one service (smooth round-robin).
#[derive(Debug, Default, Clone)]
pub struct BalanceState {
    /// The current weights, one a backend; they begin anew when `weights` change.
    current: Vec<i64>,
    /// The weights of the candidates that this memory is of; 0 for a backend that is not one.
    weights: Vec<u32>,
}

/// Picks one of the backends for which `candidate` says yes, by index. `tried` ones are passed over without being
/// forgotten: they keep their place in the round.
pub fn pick(
    balance: Balance,
    backends: &[Backend],
    candidate: impl Fn(&Backend) -> bool,
    tried: u128,
    state: &mut BalanceState,
    random: u64,
) -> Option<usize> {
    state.follow(backends, candidate);
    match balance {
        Balance::RoundRobin => state.next(|index| !contains(tried, index)),
        Balance::LeastConnections => least_connections(backends, tried, state),
        Balance::RandomTwoChoices => random_two_choices(backends, tried, state, random),
    }
}

/// Whether an index is in a set of tried ones.
pub fn contains(tried: u128, index: usize) -> bool {
    u32::try_from(index).ok().and_then(|index| tried.checked_shr(index)).is_some_and(|bits| bits & 1 == 1)
}

impl BalanceState {
    /// Takes the weights of the present candidates, 0 for every other backend. Another set of weights than the one
    /// remembered begins a new round: a backend that returns has saved nothing up while it was away.
    fn follow(&mut self, backends: &[Backend], candidate: impl Fn(&Backend) -> bool) {
        let weight = |backend: &Backend| if candidate(backend) { backend.weight } else { 0 };
        if self.weights.iter().copied().ne(backends.iter().map(weight)) {
            self.weights.clear();
            self.weights.extend(backends.iter().map(weight));
            self.current.clear();
            self.current.resize(backends.len(), 0);
        }
    }

    /// One step of smooth weighted round-robin (nginx, `ngx_http_upstream_get_peer`) over the backends `among`: each
    /// gains its weight, the highest is taken and pays the sum. Over one cycle each comes exactly as often as its
    /// weight says, and as evenly as can be.
    fn next(&mut self, among: impl Fn(usize) -> bool) -> Option<usize> {
        let mut total = 0;
        let mut best: Option<usize> = None;
        for index in (0..self.weights.len()).filter(|index| self.weights[*index] > 0 && among(*index)) {
            let weight = i64::from(self.weights[index]);
            total += weight;
            self.current[index] += weight;
            if best.is_none_or(|best| self.current[index] > self.current[best]) {
                best = Some(index);
            }
        }
        if let Some(best) = best {
            self.current[best] -= total;
        }
        best
    }

    fn candidates(&self, tried: u128) -> impl Iterator<Item = usize> + '_ {
        (0..self.weights.len()).filter(move |index| self.weights[*index] > 0 && !contains(tried, *index))
    }
}

/// Fewest running requests for its weight; those that are equal take turns by weight.
fn least_connections(backends: &[Backend], tried: u128, state: &mut BalanceState) -> Option<usize> {
    let least = state.candidates(tried).map(|index| Load::of(&backends[index])).min_by(Load::compare)?;
    state.next(|index| !contains(tried, index) && Load::of(&backends[index]).compare(&least).is_le())
}

/// The less loaded of two different ones drawn by weight.
fn random_two_choices(backends: &[Backend], tried: u128, state: &BalanceState, random: u64) -> Option<usize> {
    let first = draw(state, tried, random as u32, None)?;
    let Some(second) = draw(state, tried, (random >> 32) as u32, Some(first)) else { return Some(first) };
    let second_is_freer = Load::of(&backends[second]).compare(&Load::of(&backends[first])).is_lt();
    Some(if second_is_freer { second } else { first })
}

fn draw(state: &BalanceState, tried: u128, random: u32, but: Option<usize>) -> Option<usize> {
    let pool = || state.candidates(tried).filter(move |index| Some(*index) != but);
    let total: u64 = pool().map(|index| u64::from(state.weights[index])).sum();
    // The high half of the product: even over 0..total without a division.
    let mut at = (u64::from(random) * total) >> 32;
    pool().find(|index| {
        let weight = u64::from(state.weights[*index]);
        let here = at < weight;
        at = at.saturating_sub(weight);
        here
    })
}

/// Running requests over weight, compared without a fraction.
struct Load {
    running: u64,
    weight: u32,
}

impl Load {
    fn of(backend: &Backend) -> Load {
        Load { running: backend.running(), weight: backend.weight }
    }

    fn compare(&self, other: &Load) -> std::cmp::Ordering {
        let ours = u128::from(self.running) * u128::from(other.weight);
        ours.cmp(&(u128::from(other.running) * u128::from(self.weight)))
    }
}

#[cfg(test)]
mod tests;
