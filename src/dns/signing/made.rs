//! The signatures that were made for pools, by owner and records.

use std::collections::HashMap;

use super::roles::Moment;
use super::rrset::Unsigned;
use crate::dns::compiled::RrSet;

/// An owner, and the records of a set.
type Key = (Box<[u8]>, Box<[u8]>);

/// Signatures by what they are of. Those of another time or by other keys do no harm: each is looked at before it is used.
#[derive(Debug, Default)]
pub struct Made(HashMap<Key, Box<[u8]>>);

impl Made {
    /// The RRSIG records of a set, `owner` in lower case: those that are here or in one of the `others`, if they are as they would be made now, else new ones. They
    /// are here then. Gives whether they are new, too.
    pub(super) fn sign(
        &mut self,
        others: &[&Made],
        owner: &[u8],
        set: RrSet<'_>,
        moment: &Moment<'_>,
    ) -> (Box<[u8]>, bool) {
        let key = (Box::from(owner), Box::from(set.wire));
        let before = [&*self].into_iter().chain(others.iter().copied()).filter_map(|made| made.0.get(&key));
        let before = before.map(|signatures| &**signatures);
        let rdatas: Vec<&[u8]> = set.rdatas().collect();
        let unsigned = Unsigned { owner, rtype: set.rtype, ttl: set.ttl, rdatas: &rdatas };
        let signatures: Box<[u8]> = moment.sign_unless(unsigned, before.clone()).into();
        let is_new = before.into_iter().all(|before| *before != *signatures);
        self.0.insert(key, signatures.clone());
        (signatures, is_new)
    }

    /// Takes in those of other sets.
    pub(super) fn append(&mut self, Made(others): Made) {
        self.0.extend(others);
    }

    /// How many sets have signatures here.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}
