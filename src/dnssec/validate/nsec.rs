//! The chain of NSEC records (RFC 4034, 4; RFC 4035, 2.3): each name that owns something says which one is next, and the last one leads back.

use super::flaw::Flaws;
use super::tree::{Name, Place, Tree};
use super::types;
use crate::zone::name;
use crate::zone::number::rtype;

pub(super) fn check(tree: &Tree<'_>, flaws: &mut Flaws) {
    let owners: Vec<Name<'_>> = tree.visible().collect();
    let behind = owners.iter().skip(1).chain(owners.first());
    for (owner, next) in owners.iter().zip(behind) {
        let [index, others @ ..] = owner.set(rtype::NSEC) else {
            flaws.bogus_at(
                owner.owner(),
                rtype::NSEC,
                "is missing: nothing proves what types the name has not, nor that no name follows it",
            );
            continue;
        };
        if let Some(other) = others.first() {
            flaws.bogus(*other, tree, "is a second one: a name has one (RFC 4034, 4)");
        }
        let rdata = tree.records.get(*index).rdata;
        let Ok(length) = name::measure(rdata) else { continue };
        let (said, types) = rdata.split_at(length);
        if !said.eq_ignore_ascii_case(next.owner()) {
            let [said, next] = [said, next.owner()].map(name::to_absolute_text);
            flaws.bogus(*index, tree, format!("says that {said} is next, and {next} is"));
        }
        if let Some(wrong) = types::wrong_of_nsec(*owner, types) {
            flaws.bogus(*index, tree, wrong);
        }
    }
    for name in &tree.names {
        let Some(index) = name.set(rtype::NSEC).first() else { continue };
        match name.place {
            Place::Hidden => {
                flaws.odd(*index, tree, "belongs to no name of this zone: a delegation or a DNAME is above it")
            }
            _ if name.types().next().is_none() => {
                flaws.bogus(*index, tree, "is at a name that owns nothing else (RFC 4035, 2.3)")
            }
            _ => {}
        }
    }
}
