//! Which keys the parent is to have a DS of, while one replaces another (pure).

/// A key that the parent may have a DS of: it signs the keys, and stands in the zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    /// From when every resolver knows it, which is the TTL of the keys after it was published; in the unit of `now`.
    pub(super) known: u64,
    /// Its times say that it goes.
    pub(super) ends: bool,
}

/// Whether the parent is to have it, of each of them. Before all resolvers know a new key that is the old one, from then on the new one alone. One that goes is
/// not among them, unless all do.
pub(super) fn wanted(candidates: &[Candidate], now: u64) -> Vec<bool> {
    let staying = || candidates.iter().filter(|one| !one.ends);
    let newest = staying().map(|one| one.known).filter(|known| *known <= now).max();
    let all_go = staying().next().is_none();
    let is_wanted = |one: &Candidate| all_go || (!one.ends && newest.is_none_or(|newest| one.known == newest));
    candidates.iter().map(is_wanted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_is_to_have_the_old_key_until_resolvers_know_the_new_one_and_then_that_alone() {
        let key = |known, ends| Candidate { known, ends };
        let (old, new) = (key(0, false), key(10, false));
        for (candidates, now, expected) in [
            ([old, new], 9, [true, false]),
            ([old, new], 10, [false, true]),
            ([key(0, true), new], 10, [false, true]),
            ([key(0, true), new], 9, [false, true]),
            ([key(0, true), key(10, true)], 10, [true, true]),
            ([old, old], 10, [true, true]),
            ([new, new], 9, [true, true]),
        ] {
            assert_eq!(wanted(&candidates, now), expected, "{candidates:?} at {now}");
        }
    }
}
