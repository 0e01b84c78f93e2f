//! All records of a zone, as other nameservers have them: its own sets, and what comes of its being signed.

use super::names::Node;
use super::rrset::RrSet;
use super::zones::Zone;

impl<'z> Node<'z> {
    /// Its sets with their signatures behind each, and what denies other names and types, each set with its owner. Nothing of a pool is among them.
    pub fn whole(self, zone: &'z Zone) -> impl Iterator<Item = (&'z [u8], RrSet<'z>)> {
        let of_apex =
            zone.signatures().filter(|_| self.id() == 0).into_iter().flat_map(|signatures| signatures.at_apex());
        let own = self.sets().chain(of_apex).map(move |set| (self.name(), set));
        let sets = own.chain(self.denial().map(|denial| (self.denial_owner(), denial)));
        sets.flat_map(|(owner, set)| [Some(set), set.rrsigs()].into_iter().flatten().map(move |set| (owner, set)))
    }
}

impl Zone {
    /// The same of all its names, and what no answer has.
    pub fn whole(&self) -> impl Iterator<Item = (&[u8], RrSet<'_>)> {
        self.nodes().flat_map(|node| node.whole(self)).chain(self.others())
    }

    /// What it came with and no answer has, such as signatures of what is not there.
    pub fn others(&self) -> impl Iterator<Item = (&[u8], RrSet<'_>)> {
        let given = self.signatures().and_then(|signatures| signatures.as_given());
        given.into_iter().flat_map(|given| &given.others).map(|(owner, set)| (&**owner, set.get()))
    }

    /// Whether it came with signatures, which are served as they are.
    pub fn is_presigned(&self) -> bool {
        self.signatures().is_some_and(|signatures| signatures.as_given().is_some())
    }
}
