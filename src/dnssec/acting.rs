//! What each key of a zone does at a moment, by the times of all of them (RFC 6781, 3.1).

use std::collections::BTreeSet;

use super::algorithm::Algorithm;
use super::key::ZoneKey;

/// What keys do at a moment.
#[derive(Debug)]
pub struct Acting<'s> {
    /// They sign the keys.
    pub key_signing: Vec<&'s ZoneKey>,
    /// They sign what is told to the parent (CDS and CDNSKEY): those that sign the keys.
    pub parent_signing: Vec<&'s ZoneKey>,
    /// They sign everything else.
    pub zone_signing: Vec<&'s ZoneKey>,
    /// Algorithms of which no key stands in the zone, and whose signatures are there all the same: ahead of their keys, or for a while behind them (RFC 6781, 4.1.4).
    unseen: BTreeSet<Algorithm>,
    now: u64,
}

impl<'s> Acting<'s> {
    /// What keys do at a time, in seconds since the epoch.
    pub fn at(all: &[&'s ZoneKey], now: u64) -> Acting<'s> {
        let keys = Keys { all, now };
        let seen = keys.seen_algorithms();
        let key_signing: Vec<&ZoneKey> = seen.iter().flat_map(|algorithm| keys.signing_keys(*algorithm)).collect();
        let mut zone_signing: Vec<&ZoneKey> = seen.iter().flat_map(|algorithm| keys.signing_zone(*algorithm)).collect();
        let unseen = all.iter().filter(|key| !seen.contains(&key.algorithm()) && key.times().signs_unseen(now));
        let unseen: Vec<&ZoneKey> = unseen.copied().collect();
        zone_signing.extend(&unseen);
        // The keys have their signatures with them, wherever they are kept; all else may be kept longer, or shorter.
        let parent_signing = key_signing.iter().chain(&unseen).copied().collect();
        Acting {
            key_signing,
            parent_signing,
            zone_signing,
            unseen: unseen.iter().map(|key| key.algorithm()).collect(),
            now,
        }
    }

    /// Whether a key stands in the zone: its times say so, or it signs.
    pub fn shows(&self, key: &ZoneKey) -> bool {
        key.is_published(self.now) || (self.signs(key) && !self.unseen.contains(&key.algorithm()))
    }

    /// Whether a key stands in the zone and signs although its times say that it is over, since there is no other.
    pub fn is_overdue(&self, key: &ZoneKey) -> bool {
        key.times().is_over(self.now) && self.signs(key) && self.shows(key)
    }

    fn signs(&self, key: &ZoneKey) -> bool {
        self.key_signing.iter().chain(&self.zone_signing).any(|one| std::ptr::eq(*one, key))
    }
}

/// The keys of a zone at a time.
struct Keys<'k, 's> {
    all: &'k [&'s ZoneKey],
    now: u64,
}

impl<'s> Keys<'_, 's> {
    /// The algorithms that stand in the zone. What a resolver validates with may be any of them: each signs everything (RFC 4035, 2.2). Where no key is to sign,
    /// those go on that signed last.
    fn seen_algorithms(&self) -> BTreeSet<Algorithm> {
        let of = |keys: Vec<&ZoneKey>| keys.into_iter().map(|key| key.algorithm()).collect::<BTreeSet<_>>();
        let published = self.all_that(&|key| key.is_published(self.now));
        if published.iter().any(|key| key.is_active(self.now)) {
            return of(published);
        }
        let last = [self.all_that(&|key| self.has_begun(key)), self.gone_last(&|_| true)];
        match last.into_iter().find(|keys| !keys.is_empty()) {
            Some(last) => &of(published) | &of(last),
            None => of(self.all.to_vec()),
        }
    }

    /// Those that sign the keys: made for that and active, else made for that; else those that are active, and with them those that were made for it and are yet to
    /// sign, since the parent may have their DS already. The parent's DS is of one that was made for it: it goes on although its time is over, and although it was to be
    /// gone, as long as nobody has made the next one.
    fn signing_keys(&self, algorithm: Algorithm) -> Vec<&'s ZoneKey> {
        let is_ksk = |key: &ZoneKey| key.is_ksk() && key.algorithm() == algorithm;
        let has_any_ksk = self.all.iter().any(|key| key.is_ksk() && (key.is_active(self.now) || self.has_begun(key)));
        let gone = if has_any_ksk { Vec::new() } else { self.gone_last(&|key| key.is_ksk()) };
        let kinds = [
            self.all_that(&|key| is_ksk(key) && key.is_active(self.now)),
            self.all_that(&|key| is_ksk(key) && self.has_begun(key)),
            gone.into_iter().filter(|key| key.algorithm() == algorithm).collect(),
            self.active_and_coming(algorithm),
            self.gone_last(&is_ksk),
            self.all_that(&is_ksk),
        ];
        kinds.into_iter().find(|keys| !keys.is_empty()).unwrap_or_else(|| self.left(algorithm))
    }

    fn active_and_coming(&self, algorithm: Algorithm) -> Vec<&'s ZoneKey> {
        let is_active = |key: &ZoneKey| key.algorithm() == algorithm && key.is_active(self.now);
        let is_coming = |key: &ZoneKey| key.algorithm() == algorithm && key.is_ksk() && key.is_published(self.now);
        match self.all.iter().any(|key| is_active(key)) {
            true => self.all_that(&|key| is_active(key) || is_coming(key)),
            false => Vec::new(),
        }
    }

    /// Those that sign everything else.
    fn signing_zone(&self, algorithm: Algorithm) -> Vec<&'s ZoneKey> {
        let is_zsk = |key: &ZoneKey| !key.is_ksk() && key.algorithm() == algorithm;
        let kinds = [
            self.all_that(&|key| is_zsk(key) && key.is_active(self.now)),
            self.all_that(&|key| key.algorithm() == algorithm && key.is_active(self.now)),
            self.all_that(&|key| is_zsk(key) && self.has_begun(key)),
        ];
        kinds.into_iter().find(|keys| !keys.is_empty()).unwrap_or_else(|| self.left(algorithm))
    }

    /// The keys of an algorithm that go on where none is to sign: those that have signed and are not gone, else those that were gone last; where none has signed
    /// yet, those that are to, else all.
    fn left(&self, algorithm: Algorithm) -> Vec<&'s ZoneKey> {
        let is_of_it = |key: &ZoneKey| key.algorithm() == algorithm;
        let kinds = [
            self.all_that(&|key| is_of_it(key) && self.has_begun(key)),
            self.gone_last(&is_of_it),
            self.all_that(&|key| is_of_it(key) && !self.is_gone(key)),
        ];
        kinds.into_iter().find(|keys| !keys.is_empty()).unwrap_or_else(|| self.all_that(&is_of_it))
    }

    fn all_that(&self, is: &dyn Fn(&ZoneKey) -> bool) -> Vec<&'s ZoneKey> {
        self.all.iter().copied().filter(|key| is(key)).collect()
    }

    /// Of keys that have signed and are gone, those that were gone last: a successor that does not sign yet is not known to resolvers.
    fn gone_last(&self, is: &dyn Fn(&ZoneKey) -> bool) -> Vec<&'s ZoneKey> {
        let gone = self.all_that(&|key| is(key) && self.is_gone(key) && key.times().activate.is_some());
        let last = gone.iter().filter_map(|key| key.times().delete).max();
        gone.into_iter().filter(|key| key.times().delete == last).collect()
    }

    /// It has signed, and nobody has taken it away.
    fn has_begun(&self, key: &ZoneKey) -> bool {
        key.times().activate.is_some_and(|from| from <= self.now) && !self.is_gone(key)
    }

    fn is_gone(&self, key: &ZoneKey) -> bool {
        key.times().delete.is_some_and(|from| from <= self.now)
    }
}
