//! The names of a zone, with their RRsets, for the checks.

use std::path::PathBuf;

use super::super::name;
use super::super::name_index::NameIndex;
use super::super::number::rtype::{A, AAAA, CNAME, DNAME, NS};
use super::super::record::Records;
use crate::memory;

/// Every name of the zone that owns records.
pub struct Tree<'z> {
    /// The apex in lower case.
    pub apex: &'z [u8],
    /// All records of the zone.
    pub records: &'z Records,
    files: &'z [PathBuf],
    /// In canonical order.
    nodes: Vec<Node<'z>>,
    by_name: NameIndex,
}

/// A name.
#[derive(Clone, Copy)]
pub struct Node<'z> {
    records: &'z Records,
    /// Indexes of its records, by type; never empty.
    indexes: &'z [u32],
}

/// The result of looking up the addresses of a name.
pub enum Lookup {
    /// The name has an address.
    Address,
    /// The name is an alias by this CNAME or DNAME.
    Alias(u32),
    /// The name is a delegation or lies below one.
    Delegated,
    /// The name has no address, or does not exist.
    None,
    /// The name is in another zone.
    Outside,
}

impl<'z> Node<'z> {
    /// The name, as it is written at its first record.
    pub fn owner(self) -> &'z [u8] {
        self.records.get(self.indexes[0]).owner
    }

    /// The indexes of an RRset; empty if there is none.
    pub fn rrset(self, rtype: u16) -> &'z [u32] {
        self.records.set(self.indexes, rtype)
    }

    /// Every RRset with its type.
    pub fn rrsets(self) -> impl Iterator<Item = (u16, &'z [u32])> {
        self.records.sets(self.indexes)
    }
}

impl<'z> Tree<'z> {
    /// Goes over the records, which all lie within the zone and are sorted.
    pub fn new(apex: &'z [u8], files: &'z [PathBuf], records: &'z Records) -> Self {
        let mut nodes: Vec<Node<'z>> = Vec::new();
        for indexes in records.names() {
            memory::reserve(&mut nodes, 1);
            nodes.push(Node { records, indexes });
        }
        let by_name = NameIndex::new(nodes.iter().map(|node| node.owner()));
        Tree { apex, records, files, nodes, by_name }
    }

    /// The indexes of an RRset; empty if there is none.
    pub fn rrset(&self, owner: &[u8], rtype: u16) -> &'z [u32] {
        self.node(owner).map_or(&[], |node| node.rrset(rtype))
    }

    /// Where a record stands, in a finding about another one: the file is named if it is not the same.
    pub fn place(&self, record: u32, about: u32) -> String {
        let (record, about) = (self.records.get(record), self.records.get(about));
        match record.file == about.file {
            true => format!("line {}", record.line),
            false => format!("line {} of {}", record.line, self.files[usize::from(record.file)].display()),
        }
    }

    /// The names that own records, in canonical order: what lies below a name follows it.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'z>> {
        self.nodes.iter().copied()
    }

    /// Looks for the addresses of `target` (RFC 1034, 4.3.2, and wildcards by RFC 4592, 3.3.1).
    pub fn look_up(&self, target: &[u8]) -> Lookup {
        if !name::is_within(target, self.apex) {
            return Lookup::Outside;
        }
        if name::upward(target).any(|name| name.len() > self.apex.len() && !self.rrset(name, NS).is_empty()) {
            return Lookup::Delegated;
        }
        let above = name::upward(target).skip(1).take_while(|name| name.len() >= self.apex.len());
        if let Some(alias) = above.filter_map(|name| self.rrset(name, DNAME).first()).last() {
            return Lookup::Alias(*alias);
        }
        self.node_or_wildcard(target).map_or(Lookup::None, |node| {
            if let [alias, ..] = node.rrset(CNAME) {
                Lookup::Alias(*alias)
            } else if has_address(node) {
                Lookup::Address
            } else {
                Lookup::None
            }
        })
    }

    /// Whether an address stands at `owner` itself.
    pub fn has_address(&self, owner: &[u8]) -> bool {
        self.node(owner).is_some_and(has_address)
    }

    fn node(&self, owner: &[u8]) -> Option<Node<'z>> {
        let is = |number: u32| self.nodes[number as usize].owner().eq_ignore_ascii_case(owner);
        self.by_name.find(owner, is).map(|number| self.nodes[number as usize])
    }

    /// The wildcard is that of the closest name above that exists; it may own nothing and have names below it alone.
    fn node_or_wildcard(&self, owner: &[u8]) -> Option<Node<'z>> {
        if let Some(node) = self.node(owner) {
            return Some(node);
        }
        let encloser = name::upward(owner).find(|name| self.exists(name))?;
        if encloser.len() == owner.len() { None } else { self.node(&[b"\x01*", encloser].concat()) }
    }

    fn exists(&self, name: &[u8]) -> bool {
        let first = self.nodes.partition_point(|node| name::compare(node.owner(), name).is_lt());
        self.nodes.get(first).is_some_and(|node| name::is_within(node.owner(), name))
    }
}

fn has_address(node: Node<'_>) -> bool {
    [A, AAAA].iter().any(|rtype| !node.rrset(*rtype).is_empty())
}
