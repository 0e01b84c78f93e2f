//! Catalogs (RFC 9432): zones that list zones, by which other nameservers learn what to serve.
//!
//! [`production`] makes one of the document's zones, and says which serial it gets. [`reading`] finds the members in one. Both pure. Must
//! never: find members in a catalog that is broken.

pub mod production;
pub mod reading;

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{Context, SHA256};

/// The members of a catalog by apex, as the document writes names.
pub type Members = BTreeMap<String, Member>;

/// What a catalog says of a zone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Member {
    /// The label under which it stands: another one means that the zone is to be got anew.
    pub label: Box<[u8]>,
    /// How it is to be served, in words that both sides know.
    pub groups: BTreeSet<Vec<u8>>,
    /// The catalog that it moves to.
    pub moves_to: Option<String>,
}

/// The digest of all that a catalog says, without its serial: the same wherever that is the same.
pub fn digest(members: &Members) -> String {
    let mut context = Context::new(&SHA256);
    let mut field = |bytes: &[u8]| {
        context.update(&(bytes.len() as u32).to_be_bytes());
        context.update(bytes);
    };
    field(b"polder catalog 1");
    for (apex, Member { label, groups, moves_to }) in members {
        field(apex.as_bytes());
        field(label);
        field(moves_to.as_deref().unwrap_or_default().as_bytes());
        field(&(groups.len() as u32).to_be_bytes());
        groups.iter().for_each(|group| field(group));
    }
    hex(context.finish().as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
