//! Which names of challenges our zones answer themselves, and why others are refused (pure).

use std::collections::BTreeSet;
use std::fmt;

use crate::dns::compiled::{Authority, Found, Node, Zone, Zones};
use crate::zone::name::{self, Name};
use crate::zone::number::rtype;

/// Why a name is not answered; worded to follow the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The document does not name the proxy: it has been taken out while this was on its way.
    Unlisted,
    /// No zone of the document has it.
    Elsewhere,
    /// Its zone could not be read.
    Unavailable,
    /// This zone came with signatures, and nobody here could sign the name.
    Presigned(String),
    /// The document does not let this proxy have names of the zone answered.
    NotInZone(String),
    /// Other nameservers have it, by the delegation at this name.
    Delegated(String),
    /// A DNAME at this name leads everything below it elsewhere.
    Dname(String),
    /// It has a CNAME to this name in the zone.
    Cname(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Unlisted => {
                f.write_str("was told by a proxy that `acme_challenges.from` does not name (any more)")
            }
            Refusal::Elsewhere => f.write_str("is in none of this nameserver's zones"),
            Refusal::Unavailable => f.write_str("is in a zone that could not be read here: see `polder status`"),
            Refusal::Presigned(zone) => write!(
                f,
                "is in the zone {zone}, which comes signed: nobody here could sign the name, and a CA that validates would refuse it; delegate a zone of \
                 its own for it, have a proxy order by http-01, or have {zone} signed here (\"dnssec\")"
            ),
            Refusal::NotInZone(zone) => {
                write!(
                    f,
                    "is in the zone {zone}, for which this proxy's `acme_challenges.from.NAME.zones` does not stand"
                )
            }
            Refusal::Delegated(cut) => write!(f, "is delegated to other nameservers, at {cut}"),
            Refusal::Dname(owner) => write!(f, "is led elsewhere by the DNAME at {owner}"),
            Refusal::Cname(target) => {
                write!(
                    f,
                    "has a CNAME to {target} in the zone, which is followed: take it out; a proxy can order by http-01 instead"
                )
            }
        }
    }
}

/// The zone that answers for a name itself, and the name's node if it has one there already.
pub(super) fn place<'z>(
    zones: &'z Zones,
    at: &Name,
    allowed: Option<&BTreeSet<String>>,
) -> Result<(&'z Zone, Option<Node<'z>>), Refusal> {
    let zone = match zones.zone_of(at, rtype::TXT) {
        Authority::Zone(zone) => zone,
        Authority::Unavailable { .. } => return Err(Refusal::Unavailable),
        Authority::Elsewhere => return Err(Refusal::Elsewhere),
    };
    let apex = name::to_text(&zone.apex);
    if allowed.is_some_and(|allowed| !allowed.contains(&apex)) {
        return Err(Refusal::NotInZone(apex));
    }
    match zone.find(at, rtype::TXT) {
        Found::Cut(node) => Err(Refusal::Delegated(name::to_text(node.name()))),
        Found::Dname { owner, .. } => Err(Refusal::Dname(name::to_text(owner.name()))),
        Found::Node(_) | Found::Nothing { .. } if zone.is_presigned() => Err(Refusal::Presigned(apex)),
        Found::Node(node) if node.is_called(at.as_bytes()) => match node.set(rtype::CNAME) {
            Some(cname) => Err(Refusal::Cname(name::to_text(cname.first()))),
            None => Ok((zone, Some(node))),
        },
        Found::Node(_) | Found::Nothing { .. } => Ok((zone, None)),
    }
}
