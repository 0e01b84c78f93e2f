//! What must not stand together at one name, or one below the other.

use std::collections::{BTreeMap, BTreeSet};

use super::super::name;
use super::super::number::rtype::{A, AAAA, CNAME, DNAME, DS, NS, SOA};
use super::super::rdata::types;
use super::complaints::Complaints;
use super::tree::Tree;

/// Looks at each name that owns records. Gives the records below a DNAME.
pub fn check(tree: &Tree<'_>, found: &mut Complaints) -> BTreeSet<usize> {
    let mut redirected = BTreeSet::new();
    for (owner, node) in tree.owners() {
        single(tree, node, found);
        alias_alone(tree, owner, node, found);
        if let Some(soa) = node.get(&SOA).filter(|_| owner != tree.apex) {
            blame(soa, found, |_| "an SOA stands only at the zone's apex".to_owned());
        }
        if let Some(signer) = node.get(&DS).filter(|_| owner == tree.apex) {
            blame(signer, found, |_| "a DS stands in the zone above, not at the zone's own apex".to_owned());
        }
        if name::is_wildcard(owner) {
            not_at_wildcard(node, found);
        }
        hidden(tree, owner, node, found, &mut redirected);
    }
    redirected
}

fn blame(rrset: &[usize], found: &mut Complaints, message: impl Fn(usize) -> String) {
    for record in rrset {
        found.add(*record, message(*record));
    }
}

/// One SOA (RFC 2181, 6.1), one CNAME (10.1), one DNAME (RFC 6672, 2.4).
fn single(tree: &Tree<'_>, node: &BTreeMap<u16, Vec<usize>>, found: &mut Complaints) {
    for rtype in [SOA, CNAME, DNAME] {
        if let Some([first, further @ ..]) = node.get(&rtype).map(Vec::as_slice) {
            let rtype = types::to_text(rtype);
            blame(further, found, |this| {
                format!("a second {rtype} at this name: the first is on {}", tree.place(*first, this))
            });
        }
    }
}

/// RFC 2181, 10.1.
fn alias_alone(tree: &Tree<'_>, owner: &[u8], node: &BTreeMap<u16, Vec<usize>>, found: &mut Complaints) {
    let Some([alias, ..]) = node.get(&CNAME).map(Vec::as_slice) else { return };
    let others: Vec<String> =
        node.keys().filter(|rtype| **rtype != CNAME).map(|rtype| types::to_text(*rtype)).collect();
    if owner == tree.apex {
        let advice =
            "the apex has SOA and NS and cannot be an alias: give it addresses, or list it in a pool's aliases";
        found.add(*alias, advice.to_owned());
    } else if !others.is_empty() {
        found.add(*alias, format!("an alias stands alone, but this name also has {}", others.join(", ")));
    }
}

/// RFC 4592, 4.2 and 4.4.
fn not_at_wildcard(node: &BTreeMap<u16, Vec<usize>>, found: &mut Complaints) {
    for rtype in [NS, DNAME] {
        let Some(rrset) = node.get(&rtype) else { continue };
        blame(rrset, found, |_| format!("{} at a wildcard has no defined meaning", types::to_text(rtype)));
    }
}

/// Data below a delegation or a DNAME is never answered (RFC 1034, 4.2.1; RFC 6672, 2.4); glue is. Zones have such data all the
/// same: a zone transfer keeps what a delegation hides (RFC 5936, 3.5).
fn hidden(
    tree: &Tree<'_>,
    owner: &[u8],
    node: &BTreeMap<u16, Vec<usize>>,
    found: &mut Complaints,
    redirected: &mut BTreeSet<usize>,
) {
    let cut = tree.cut(owner).map(|index| (index, name::lower(&tree.records[index].owner)));
    let redirection = tree.redirection(owner);
    for (rtype, rrset) in node {
        if let Some((index, delegated)) = &cut {
            // A CNAME at the cut itself has been reported as one beside the NS.
            let at_the_cut = **delegated == *owner && matches!(*rtype, NS | DS | CNAME);
            if !at_the_cut && !matches!(*rtype, A | AAAA) {
                let delegated = name::to_absolute_text(delegated);
                for this in rrset {
                    let place = tree.place(*index, *this);
                    let message = format!(
                        "never answered: {delegated} is delegated on {place}, and only addresses have a use there"
                    );
                    found.warn(*this, message);
                }
            }
        } else if let Some(index) = redirection {
            let alias = name::to_absolute_text(&tree.records[index].owner);
            for this in rrset {
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
