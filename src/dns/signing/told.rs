//! Signatures of what lies over a zone: names that are there as long as a proxy tells something at them.

use super::chain::Next;
use super::roles::Moment;
use super::rrset::Unsigned;
use crate::dns::compiled::OwnRrSet;
use crate::zone::number::rtype;

impl Moment<'_> {
    /// A set at a name, in lower case, signed; `before` is what it was.
    pub fn signed(&self, owner: &[u8], set: OwnRrSet, before: Option<&OwnRrSet>) -> OwnRrSet {
        let before = before.map(OwnRrSet::get).filter(|before| before.wire == set.get().wire);
        let rdatas: Vec<&[u8]> = set.get().rdatas().collect();
        let unsigned = Unsigned { owner, rtype: set.get().rtype, ttl: set.get().ttl, rdatas: &rdatas };
        let signatures = self.sign(unsigned, before.map_or(&[], |before| before.signatures));
        set.signed(signatures.into())
    }

    /// A record that denies all types of a name, in lower case, but these, and says nothing of any other name; with its owner. None: the name is too long.
    pub fn denial(
        &self,
        name: &[u8],
        types: &[u16],
        ttl: u32,
        before: Option<&OwnRrSet>,
    ) -> Option<(Box<[u8]>, OwnRrSet)> {
        let next = Next::directly_behind(name, self.signer.denial)?;
        let rtype = if matches!(next, Next::Name(_)) { rtype::NSEC } else { rtype::NSEC3 };
        let is_empty = types.is_empty() && rtype == rtype::NSEC3;
        let types = types.iter().copied().chain((!is_empty).then_some(rtype::RRSIG));
        let rdata = next.rdata_of(types.collect());
        let owner = next.owner(&self.signer.apex, name).unwrap_or_else(|| name.to_vec());
        let set = self.signed(&owner, OwnRrSet::new(rtype, ttl, [&rdata[..]]), before);
        Some((owner.into(), set))
    }
}
