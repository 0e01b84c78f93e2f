//! The records by which a response proves that something is not there.

use super::chain::CHAIN;
use crate::dns::compiled::{Node, RrSet};

/// What is not there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Denied<'a> {
    /// The name.
    Name {
        /// The deepest name above it that exists.
        encloser: Node<'a>,
    },
    /// The type at this node, the name's own or a wildcard's.
    Type {
        /// The node.
        node: Node<'a>,
    },
    /// The type at a name which is there as a proxy has told something.
    TypeOfTold {
        /// The record that denies it, with its owner.
        denial: Option<(&'a [u8], RrSet<'a>)>,
    },
}

/// NSEC or NSEC3 records that a response is to have, each once.
#[derive(Debug, Default)]
pub(super) struct Proofs<'a> {
    /// The first ones filled: one for each wildcard of a chain, and up to three for its last name.
    pub(super) records: [Option<(&'a [u8], RrSet<'a>)>; CHAIN + 3],
}

impl<'a> Proofs<'a> {
    /// Adds one, unless it is there.
    pub(super) fn add(&mut self, owner: &'a [u8], set: RrSet<'a>) {
        let free = self.records.iter_mut().find(|held| held.is_none_or(|(held, _)| std::ptr::eq(held, owner)));
        if let Some(free @ None) = free {
            *free = Some((owner, set));
        }
    }
}
