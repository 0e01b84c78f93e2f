//! The health of all targets at one moment.
//!
//! Owns how it is shared: a view is immutable for its readers, and the next one shares with it all that has not changed. So with
//! 20,000 targets one that flips costs a copy of its neighbours, and not of everything.

use std::fmt;
use std::net::SocketAddr;
use std::ops::Index;
use std::sync::Arc;

use fnv::FnvHashMap;

use super::target::{Target, TargetHealth};
use crate::config::CheckConfig;

/// Neighbours: copied together when one of them changes.
pub(super) const CHUNK: usize = 64;

/// Targets that are next to each other, at most [`CHUNK`].
type Chunk = Vec<(Arc<Target>, TargetHealth)>;

/// The health of every target. To clone it is cheap, whatever its size.
#[derive(Clone, Default)]
pub struct HealthView {
    places: Arc<Places>,
    /// All but the last are full.
    chunks: Vec<Arc<Chunk>>,
}

/// Where each target is. A check has many parts: it is looked up only by who asks for many addresses with one, and finds its number once.
#[derive(Default)]
struct Places {
    /// The number of each check.
    checks: FnvHashMap<CheckConfig, usize>,
    /// By address the targets that have it, of which there are few: the number of the check, and the place.
    targets: FnvHashMap<SocketAddr, Vec<(usize, usize)>>,
}

/// The health of the targets with one check.
#[derive(Clone, Copy)]
pub struct CheckView<'v> {
    view: &'v HealthView,
    check: Option<usize>,
}

impl HealthView {
    /// Of no target.
    pub fn new() -> HealthView {
        HealthView::default()
    }

    /// The health of a target.
    pub fn get(&self, target: &Target) -> Option<&TargetHealth> {
        self.at(self.place_of(target)?).map(|(_, health)| health)
    }

    fn place_of(&self, target: &Target) -> Option<usize> {
        let is_it = |known: &Target| std::ptr::eq(known, target) || known.check == target.check;
        let mut places = self.places.targets.get(&target.address)?.iter().map(|(_, place)| *place);
        places.find(|place| self.at(*place).is_some_and(|(known, _)| is_it(known)))
    }

    fn at(&self, place: usize) -> Option<&(Arc<Target>, TargetHealth)> {
        self.chunks.get(place / CHUNK)?.get(place % CHUNK)
    }

    /// The targets with this check.
    pub fn of_check(&self, check: &CheckConfig) -> CheckView<'_> {
        CheckView { view: self, check: self.places.checks.get(check).copied() }
    }

    /// The health of a target, to change it.
    pub fn get_mut(&mut self, target: &Target) -> Option<&mut TargetHealth> {
        self.at_mut(self.place_of(target)?)
    }

    /// The health of the target that was so many-th when the view was made, to change it. What other views share with this one is
    /// copied first: that of [`CHUNK`] targets at most.
    pub fn at_mut(&mut self, place: usize) -> Option<&mut TargetHealth> {
        let chunk = self.chunks.get_mut(place / CHUNK).map(Arc::make_mut)?;
        chunk.get_mut(place % CHUNK).map(|(_, health)| health)
    }

    /// Whether it has a target.
    pub fn contains_key(&self, target: &Target) -> bool {
        self.get(target).is_some()
    }

    /// Of how many targets.
    pub fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * CHUNK + last.len())
    }

    /// Of none.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Every target with its health.
    pub fn iter(&self) -> impl Iterator<Item = (&Target, &TargetHealth)> {
        self.chunks.iter().flat_map(|chunk| chunk.iter().map(|(target, health)| (&**target, health)))
    }

    /// The health of every target.
    pub fn values(&self) -> impl Iterator<Item = &TargetHealth> {
        self.iter().map(|(_, health)| health)
    }

    /// Every target with its health, to change that.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&Target, &mut TargetHealth)> {
        let chunks = self.chunks.iter_mut().map(Arc::make_mut);
        chunks.flat_map(|chunk| chunk.iter_mut().map(|(target, health)| (&**target, health)))
    }

    /// The health of every target, to change it.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut TargetHealth> {
        self.iter_mut().map(|(_, health)| health)
    }

    /// Leaves the targets that are wanted.
    pub fn retain(&mut self, wanted: impl Fn(&Target, &TargetHealth) -> bool) {
        let kept = self.chunks.iter().flat_map(|chunk| chunk.iter()).filter(|(target, health)| wanted(target, health));
        *self = kept.cloned().collect();
    }

    /// How many targets of this view lie in memory that it does not share with another one.
    #[cfg(test)]
    pub fn unlike(&self, other: &HealthView) -> usize {
        let unshared =
            |(at, chunk): &(usize, &Arc<_>)| !other.chunks.get(*at).is_some_and(|one| Arc::ptr_eq(one, chunk));
        self.chunks.iter().enumerate().filter(unshared).map(|(_, chunk)| chunk.len()).sum()
    }
}

impl<'v> CheckView<'v> {
    /// The health of the target with this address.
    pub fn get(self, address: SocketAddr) -> Option<&'v TargetHealth> {
        let (check, targets) = (self.check?, self.view.places.targets.get(&address)?);
        let (_, place) = targets.iter().find(|(known, _)| *known == check)?;
        self.view.at(*place).map(|(_, health)| health)
    }
}

/// The last one of several with the same target counts.
impl FromIterator<(Arc<Target>, TargetHealth)> for HealthView {
    fn from_iter<I: IntoIterator<Item = (Arc<Target>, TargetHealth)>>(entries: I) -> HealthView {
        let mut places = Places::default();
        let mut all: Vec<(Arc<Target>, TargetHealth)> = Vec::new();
        for entry in entries {
            let (next, target) = (places.checks.len(), &entry.0);
            let check = match places.checks.get(&target.check) {
                Some(known) => *known,
                None => *places.checks.entry(target.check.clone()).or_insert(next),
            };
            let of_address = places.targets.entry(target.address).or_default();
            match of_address.iter().find(|(known, _)| *known == check) {
                Some((_, place)) => all[*place] = entry,
                None => {
                    of_address.push((check, all.len()));
                    all.push(entry);
                }
            }
        }
        let chunks = all.chunks(CHUNK).map(|chunk| Arc::new(chunk.to_vec())).collect();
        HealthView { places: Arc::new(places), chunks }
    }
}

impl FromIterator<(Target, TargetHealth)> for HealthView {
    fn from_iter<I: IntoIterator<Item = (Target, TargetHealth)>>(entries: I) -> HealthView {
        entries.into_iter().map(|(target, health)| (Arc::new(target), health)).collect()
    }
}

impl<const N: usize> From<[(Target, TargetHealth); N]> for HealthView {
    fn from(entries: [(Target, TargetHealth); N]) -> HealthView {
        entries.into_iter().collect()
    }
}

impl Index<&Target> for HealthView {
    type Output = TargetHealth;

    /// # Panics
    ///
    /// There is no such target.
    fn index(&self, target: &Target) -> &TargetHealth {
        self.get(target).expect("a target of the view")
    }
}

impl PartialEq for HealthView {
    fn eq(&self, other: &HealthView) -> bool {
        self.len() == other.len() && self.iter().all(|(target, health)| other.get(target) == Some(health))
    }
}

impl fmt::Debug for HealthView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
