//! Proofs in zones that come signed and in which delegations opt out (RFC 5155, 6): a name may exist that has no NSEC3 record.

use super::Reply;
use crate::dns::compiled::{Node, Signatures, Zone};
use crate::zone::name::Name;

impl<'a> Reply<'a, '_> {
    /// That nothing is signed at a name which exists, and has no NSEC3 record: the closest one above has, and the name lies where delegations opt out
    /// (RFC 5155, 7.2.4 and 7.2.7).
    pub(super) fn deny_opted_out(&mut self, zone: &'a Zone, signatures: &'a Signatures, node: Node<'a>) {
        let Some(name) = Name::from_wire(node.name()) else { return };
        if let Some((label, above)) = provable(zone, &name, 1) {
            self.add_denial_of(above);
            self.deny(zone, signatures, name.from_label(label - 1), above);
        }
    }
}

/// The closest name at or above the encloser of a name of which it can be proved that it exists (RFC 5155, 1.3): in nearly all zones the encloser itself.
pub(super) fn provable_encloser<'z>(
    zone: &'z Zone,
    signatures: &Signatures,
    name: &Name,
    encloser: Node<'z>,
) -> Node<'z> {
    if !signatures.is_hashed() || is_provable(encloser) {
        return encloser;
    }
    let labels = crate::zone::name::labels(encloser.name()).count();
    provable(zone, name, name.labels() - labels).map_or(encloser, |(_, provable)| provable)
}

/// The first name from this label of a name on that has an NSEC3 record, with its label.
fn provable<'z>(zone: &'z Zone, name: &Name, from: usize) -> Option<(usize, Node<'z>)> {
    let above = (from..=name.labels()).map_while(|label| Some((label, zone.by_name(name.from_label(label))?)));
    above.into_iter().find(|(_, node)| is_provable(*node))
}

/// That of a pool's name follows what the pool answers.
fn is_provable(node: Node<'_>) -> bool {
    node.pool().is_some() || node.denial().is_some()
}
