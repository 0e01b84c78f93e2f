//! Answers where what a proxy told decides, and not the zone alone.

use super::proofs::Denied;
use super::writer::{Owner, Section};
use super::{Reply, Step};
use crate::dns::challenges::answers::Said;
use crate::dns::compiled::{Found, Zone};
use crate::dns::rate_limit::{Account, Class};
use crate::zone::name::Name;
use crate::zone::number::{rcode, rtype};

impl<'a> Reply<'a, '_> {
    /// The answer of a name of which this is said; `None`: the zone answers as ever.
    pub(super) fn challenge(
        &mut self,
        zone: &'a Zone,
        name: &Name,
        found: &Found<'_>,
        said: Said<'a>,
        (place, first): (usize, bool),
    ) -> Option<Step> {
        let told = match said {
            Said::Told { set, .. } if matches!(self.qtype, rtype::TXT | rtype::ANY) => Some(set),
            Said::Told { set, .. } if self.qtype == rtype::RRSIG => set.rrsigs(),
            // The zone's own records of other types are answered as ever; what a wildcard would make up is not.
            Said::Told { .. } if matches!(found, Found::Node(node) if node.is_called(name.as_bytes())) => return None,
            Said::Above { .. } if !matches!(found, Found::Nothing { .. }) => return None,
            Said::Told { .. } | Said::Above { .. } => None,
        };
        if first {
            let class = if told.is_some() { Class::Answer } else { Class::Nodata };
            *self.account = Account { class, name: zone.account };
            self.writer.set_authoritative();
        }
        let Some(set) = told else {
            let (Said::Told { denial, .. } | Said::Above { denial }) = said;
            return Some(self.negative(zone, name, Denied::TypeOfTold { denial }));
        };
        self.must_fit(|writer| writer.set(Section::Answer, Owner::At(place), set, set.ttl, 0));
        Some(Step::Done(rcode::NOERROR))
    }
}
