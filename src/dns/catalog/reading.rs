//! Finds the members in a catalog (RFC 9432, 4).

use super::{Member, Members};
use crate::config::dns::MOST_MEMBERS;
use crate::config::names;
use crate::dns::compiled::{Node, Zone};
use crate::zone::name;
use crate::zone::number::rtype;

/// Why nothing is taken from a catalog, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It does not say which version it has.
    #[error("it has no TXT record at \"version\", which would say that it is a catalog")]
    NoVersion,
    /// It has one that is not known.
    #[error("its version is {0}: expected \"2\" (RFC 9432)")]
    Version(String),
    /// Several zones stand under one label.
    #[error("{0} has more than one PTR record")]
    Several(String),
    /// A zone stands under two labels.
    #[error("zone {0} stands in it twice")]
    Twice(String),
    /// A name of a member is none that can be served.
    #[error("a zone that it names {0}")]
    Name(String),
    /// It has too many.
    #[error("it names more than {MOST_MEMBERS} zones")]
    TooMany,
}

/// Its members.
///
/// # Errors
///
/// It is broken: what was known of it goes on to count (RFC 9432, 5.1).
pub fn members(zone: &Zone) -> Result<Members, Broken> {
    let apex_labels = name::labels(&zone.apex).count();
    let mut members = Members::new();
    let mut version = None;
    // In canonical order: what is said of a member stands behind it.
    let mut last: Option<(Box<[u8]>, String)> = None;
    for node in zone.nodes() {
        let owner = name::lower(node.name());
        let labels: Vec<&[u8]> = name::labels(&owner).collect();
        match &labels[..labels.len() - apex_labels] {
            [b"version"] => version = version.or_else(|| Some(strings(node))),
            [label, b"zones"] => {
                let Some(set) = node.set(rtype::PTR) else { continue };
                if set.count > 1 {
                    return Err(Broken::Several(name::to_text(&owner)));
                }
                let apex = name::to_text(&name::lower(set.first()));
                let apex = names::zone_name(&apex).map_err(|why| Broken::Name(why.to_string()))?;
                let member = Member { label: (*label).into(), ..Member::default() };
                if members.insert(apex.clone(), member).is_some() {
                    return Err(Broken::Twice(apex));
                }
                if members.len() > MOST_MEMBERS {
                    return Err(Broken::TooMany);
                }
                last = Some(((*label).into(), apex));
            }
            [property, label, b"zones"] => {
                let Some((_, apex)) = last.as_ref().filter(|(of, _)| **of == **label) else { continue };
                let Some(member) = members.get_mut(apex) else { continue };
                match *property {
                    b"group" => member.groups = strings(node).into_iter().collect(),
                    b"coo" => {
                        // More than one means nothing (RFC 9432, 4.4.1).
                        let set = node.set(rtype::PTR).filter(|set| set.count == 1);
                        member.moves_to = set.map(|set| name::to_text(&name::lower(set.first())));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    match version.as_deref() {
        None | Some([]) => Err(Broken::NoVersion),
        Some([version]) if version == b"2" => Ok(members),
        Some(others) => {
            let others: Vec<String> = others.iter().map(|version| format!("\"{}\"", version.escape_ascii())).collect();
            Err(Broken::Version(others.join(" and ")))
        }
    }
}

/// The TXT records of a name, each with its strings put together.
fn strings(node: Node<'_>) -> Vec<Vec<u8>> {
    let text = |mut rdata: &[u8]| {
        let mut whole = Vec::new();
        while let Some((string, rest)) =
            rdata.split_first().and_then(|(length, rest)| rest.split_at_checked((*length).into()))
        {
            whole.extend_from_slice(string);
            rdata = rest;
        }
        whole
    };
    node.set(rtype::TXT).map(|set| set.rdatas().map(text).collect()).unwrap_or_default()
}
