//! Checks the names in record data: targets of NS, MX and SRV are no aliases, and those of NS have addresses.

use super::super::name;
use super::super::number::rtype::{MX, NS, SRV};
use super::super::rdata::{self, types};
use super::super::record::ZoneRecord;
use super::complaints::{Complaints, Severity};
use super::tree::{Lookup, Tree};

/// The target of NS, MX and SRV is no alias (RFC 2181, 10.3; RFC 2782), and that of NS has an address wherever this
/// zone is the one to have it. MX and SRV may point to names without address: the zone may publish them before they
/// exist, and nobody but their own users waits for them.
pub fn check(tree: &Tree<'_>, found: &mut Complaints) {
    for index in tree.nodes().flat_map(|node| [NS, MX, SRV].into_iter().flat_map(move |rtype| node.rrset(rtype))) {
        match wrong(tree, *index, found.complete) {
            Some((Severity::Error, message)) => found.add(*index, message),
            Some((Severity::Warning, message)) => found.warn(*index, message),
            None => {}
        }
    }
}

fn wrong(tree: &Tree<'_>, index: u32, complete: bool) -> Option<(Severity, String)> {
    let ZoneRecord { owner, rtype, rdata, .. } = tree.records.get(index);
    let at_apex = owner.eq_ignore_ascii_case(tree.apex);
    let target = rdata::target(rtype, rdata)?;
    let shown = name::to_absolute_text(target);
    match tree.look_up(target) {
        Lookup::Alias(alias) => {
            let (kind, place) = (types::to_text(tree.records.rtype(alias)), tree.place(alias, index));
            Some((Severity::Warning, format!("{shown} is an alias ({kind} on {place}): point to its target")))
        }
        Lookup::None if rtype == NS && complete => {
            // A resolver that has no address of any of the zone's own nameservers does not find the zone.
            let severity = if at_apex { Severity::Error } else { Severity::Warning };
            Some((severity, format!("{shown} has no address in this zone: add its A or AAAA")))
        }
        Lookup::Delegated if rtype == NS && complete && needs_glue(tree, owner, target) => {
            let message = format!("{shown} lies below its own delegation and needs glue: add its A or AAAA");
            Some((Severity::Warning, message))
        }
        _ => None,
    }
}

/// RFC 9471, 2.1: nobody can find the address of a nameserver that lies in the zone it serves, but from here. (The
/// apex has its own addresses or none: it is no delegation.)
fn needs_glue(tree: &Tree<'_>, owner: &[u8], target: &[u8]) -> bool {
    !owner.eq_ignore_ascii_case(tree.apex) && name::is_within(target, owner) && !tree.has_address(target)
}
