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

/// Picks one of the backends to which `weight` gives one, by index. `but` these, which are passed over without being
/// forgotten: they keep their place in the round.
pub fn pick(
    balance: Balance,
    backends: &[Backend],
    weight: impl Fn(&Backend) -> u32,
    but: u128,
    state: &mut BalanceState,
    random: u64,
) -> Option<usize> {
    state.follow(backends, weight);
    match balance {
        Balance::RoundRobin => state.next(|index| !contains(but, index)),
        Balance::LeastConnections => least_connections(backends, but, state),
        Balance::RandomTwoChoices => random_two_choices(backends, but, state, random),
    }
}

/// Whether an index is in a set of up to 128.
pub fn contains(set: u128, index: usize) -> bool {
    u32::try_from(index).ok().and_then(|index| set.checked_shr(index)).is_some_and(|bits| bits & 1 == 1)
}

/// The set of the backends for which `is_in` says yes.
pub fn set_of(backends: &[Backend], is_in: impl Fn(usize, &Backend) -> bool) -> u128 {
    let bits = backends.iter().zip(0..u128::BITS).filter(|(backend, index)| is_in(*index as usize, backend));
    bits.fold(0, |set, (_, index)| set | 1 << index)
}

impl BalanceState {
    /// Takes the weights of the present candidates, 0 for every other backend. Another set of weights than the one
    /// remembered begins a new round: a backend that returns has saved nothing up while it was away.
    fn follow(&mut self, backends: &[Backend], weight: impl Fn(&Backend) -> u32) {
        if self.weights.iter().copied().ne(backends.iter().map(&weight)) {
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

    fn candidates(&self, but: u128) -> impl Iterator<Item = usize> + '_ {
        (0..self.weights.len()).filter(move |index| self.weights[*index] > 0 && !contains(but, *index))
    }

    fn load(&self, backends: &[Backend], index: usize) -> Load {
        Load { running: backends[index].running(), weight: self.weights[index] }
    }
}

/// Fewest running requests for its weight; those that are equal take turns by weight.
fn least_connections(backends: &[Backend], but: u128, state: &mut BalanceState) -> Option<usize> {
    let least = state.candidates(but).map(|index| state.load(backends, index)).min_by(Load::compare)?;
    let among = set_of(backends, |index, _| {
        state.weights[index] > 0 && !contains(but, index) && state.load(backends, index).compare(&least).is_le()
    });
    state.next(|index| contains(among, index))
}

/// The less loaded of two different ones drawn by weight.
fn random_two_choices(backends: &[Backend], but: u128, state: &BalanceState, random: u64) -> Option<usize> {
    let first = draw(state, but, random as u32, None)?;
    let Some(second) = draw(state, but, (random >> 32) as u32, Some(first)) else { return Some(first) };
    let second_is_freer = state.load(backends, second).compare(&state.load(backends, first)).is_lt();
    Some(if second_is_freer { second } else { first })
}

fn draw(state: &BalanceState, but: u128, random: u32, first: Option<usize>) -> Option<usize> {
    let pool = || state.candidates(but).filter(move |index| Some(*index) != first);
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
    fn compare(&self, other: &Load) -> std::cmp::Ordering {
        let ours = u128::from(self.running) * u128::from(other.weight);
        ours.cmp(&(u128::from(other.running) * u128::from(self.weight)))
    }
}

#[cfg(test)]
mod tests;
