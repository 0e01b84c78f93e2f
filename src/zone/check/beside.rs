//! What must not stand together at one name, or one below the other.

use std::collections::BTreeSet;

use super::super::name;
use super::super::number::rtype::{A, AAAA, CNAME, DNAME, DS, NS, NSEC, NSEC3, RRSIG, SOA};
use super::super::rdata::types;
use super::complaints::Complaints;
use super::tree::{Node, Tree};

/// Looks at each name that owns records. Gives the records below a DNAME.
pub fn check(tree: &Tree<'_>, found: &mut Complaints) -> BTreeSet<u32> {
    let mut redirected = BTreeSet::new();
    let mut above = Above { cut: None, redirection: None };
    for node in tree.nodes() {
        let at_apex = node.owner().eq_ignore_ascii_case(tree.apex);
        single(tree, node, found);
        alias_alone(node, at_apex, found);
        if !at_apex {
            blame(node.rrset(SOA), found, |_| "an SOA stands only at the zone's apex".to_owned());
        } else {
            blame(node.rrset(DS), found, |_| "a DS stands in the zone above, not at the zone's own apex".to_owned());
        }
        if name::is_wildcard(node.owner()) {
            not_at_wildcard(node, found);
        }
        above.come_to(tree, node, at_apex);
        hidden(tree, node, &above, found, &mut redirected);
    }
    redirected
}

/// What hides a name: the highest delegation at it or above, the highest DNAME above. The first record of each.
struct Above {
    cut: Option<u32>,
    redirection: Option<u32>,
}

impl Above {
    /// Goes on to the next name in canonical order, in which all names below one follow it.
    fn come_to(&mut self, tree: &Tree<'_>, node: Node<'_>, at_apex: bool) {
        let is_within = |index: &u32| name::is_within(node.owner(), tree.records.get(*index).owner);
        let cut = node.rrset(NS).first().copied().filter(|_| !at_apex);
        self.cut = self.cut.filter(is_within).or(cut);
        self.redirection = self.redirection.filter(is_within).or(node.rrset(DNAME).first().copied());
    }
}

fn blame(rrset: &[u32], found: &mut Complaints, message: impl Fn(u32) -> String) {
    for record in rrset {
        found.add(*record, message(*record));
    }
}

/// One SOA (RFC 2181, 6.1), one CNAME (10.1), one DNAME (RFC 6672, 2.4).
fn single(tree: &Tree<'_>, node: Node<'_>, found: &mut Complaints) {
    for rtype in [SOA, CNAME, DNAME] {
        if let [first, further @ ..] = node.rrset(rtype) {
            let rtype = types::to_text(rtype);
            blame(further, found, |this| {
                format!("a second {rtype} at this name: the first is on {}", tree.place(*first, this))
            });
        }
    }
}

/// RFC 2181, 10.1; what comes of the zone's being signed may stand beside it (RFC 4035, 2.5).
fn alias_alone(node: Node<'_>, at_apex: bool, found: &mut Complaints) {
    let [alias, ..] = node.rrset(CNAME) else { return };
    let others: Vec<String> = node
        .rrsets()
        .map(|(rtype, _)| rtype)
        .filter(|rtype| !matches!(*rtype, CNAME | RRSIG | NSEC))
        .map(types::to_text)
        .collect();
    if at_apex {
        let advice =
            "the apex has SOA and NS and cannot be an alias: give it addresses, or list it in a pool's aliases";
        found.add(*alias, advice.to_owned());
    } else if !others.is_empty() {
        found.add(*alias, format!("an alias stands alone, but this name also has {}", others.join(", ")));
    }
}

/// RFC 4592, 4.2 and 4.4.
fn not_at_wildcard(node: Node<'_>, found: &mut Complaints) {
    for rtype in [NS, DNAME] {
        blame(node.rrset(rtype), found, |_| format!("{} at a wildcard has no defined meaning", types::to_text(rtype)));
    }
}

/// Data below a delegation or a DNAME is never answered (RFC 1034, 4.2.1; RFC 6672, 2.4); glue is. Zones have such data all the
/// same: a zone transfer keeps what a delegation hides (RFC 5936, 3.5).
fn hidden(tree: &Tree<'_>, node: Node<'_>, above: &Above, found: &mut Complaints, redirected: &mut BTreeSet<u32>) {
    // The hash of a name lies below the apex, whatever stands there, and is no name itself (RFC 5155, 7.1).
    if !node.rrset(NSEC3).is_empty() {
        return;
    }
    let is_at = |index: u32| tree.records.get(index).owner.eq_ignore_ascii_case(node.owner());
    let redirection = above.redirection.filter(|index| !is_at(*index));
    for (rtype, rrset) in node.rrsets() {
        // Who looks at a zone's signatures tells of those.
        let is_of_signing = matches!(rtype, RRSIG | NSEC);
        if let Some(index) = above.cut {
            // A CNAME at the cut itself has been reported as one beside the NS.
            let at_the_cut = matches!(rtype, NS | DS | CNAME) && is_at(index);
            if !at_the_cut && !is_of_signing && !matches!(rtype, A | AAAA) {
                let delegated = name::to_absolute_text(&name::lower(tree.records.get(index).owner));
                for this in rrset {
                    let place = tree.place(index, *this);
                    let message = format!(
                        "never answered: {delegated} is delegated on {place}, and only addresses have a use there"
                    );
                    found.warn(*this, message);
                }
            }
        } else if let Some(index) = redirection {
            let alias = name::to_absolute_text(tree.records.get(index).owner);
            for this in rrset.iter().filter(|_| !is_of_signing) {
                let place = tree.place(index, *this);
                found.warn(
                    *this,
                    format!("never answered: the DNAME of {alias} on {place} redirects all names below it"),
                );
            }
            redirected.extend(rrset);
        }
    }
}
