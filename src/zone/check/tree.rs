//! The names of a zone, with their RRsets, for the checks.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use super::super::name;
use super::super::number::rtype::{A, AAAA, CNAME, DNAME, NS};
use super::super::record::ZoneRecord;

/// Every name of the zone, empty non-terminals too, in lower case.
pub struct Tree<'z> {
    /// The apex in lower case.
    pub apex: &'z [u8],
    /// All records of the zone.
    pub records: &'z [ZoneRecord],
    files: &'z [PathBuf],
    nodes: HashMap<Box<[u8]>, Node>,
}

/// Indexes of records by type.
type Node = BTreeMap<u16, Vec<usize>>;

/// The result of looking up the addresses of a name.
pub enum Lookup {
    /// The name has an address.
    Address,
    /// The name is an alias by this CNAME or DNAME.
    Alias(usize),
    /// The name is a delegation or lies below one.
    Delegated,
    /// The name has no address, or does not exist.
    None,
    /// The name is in another zone.
    Outside,
}

impl<'z> Tree<'z> {
    /// Sorts the records, which all lie within the zone, by owner and type.
    pub fn new(apex: &'z [u8], files: &'z [PathBuf], records: &'z [ZoneRecord]) -> Self {
        let mut nodes: HashMap<Box<[u8]>, Node> = HashMap::with_capacity(records.len());
        for (index, record) in records.iter().enumerate() {
            let owner = name::lower(&record.owner);
            add_ancestors(&mut nodes, apex, &owner);
            nodes.entry(owner).or_default().entry(record.rtype).or_default().push(index);
        }
        Tree { apex, records, files, nodes }
    }

    /// The indexes of an RRset, the owner in lower case; empty if there is none.
    pub fn rrset(&self, owner: &[u8], rtype: u16) -> &[usize] {
        self.nodes.get(owner).and_then(|node| node.get(&rtype)).map_or(&[], Vec::as_slice)
    }

    /// Where a record stands, in a finding about another one: the file is named if it is not the same.
    pub fn place(&self, record: usize, about: usize) -> String {
        let (record, about) = (&self.records[record], &self.records[about]);
        match record.file == about.file {
            true => format!("line {}", record.line),
            false => format!("line {} of {}", record.line, self.files[usize::from(record.file)].display()),
        }
    }

    /// The names that own records.
    pub fn owners(&self) -> impl Iterator<Item = (&[u8], &Node)> {
        self.nodes.iter().filter(|(_, node)| !node.is_empty()).map(|(owner, node)| (&**owner, node))
    }

    /// Every RRset.
    pub fn rrsets(&self) -> impl Iterator<Item = (&[u8], u16, &[usize])> {
        self.owners().flat_map(|(owner, node)| node.iter().map(move |(rtype, rrset)| (owner, *rtype, &rrset[..])))
    }

    /// The highest delegation at or above `owner`: its first NS.
    pub fn cut(&self, owner: &[u8]) -> Option<usize> {
        self.above(owner).filter_map(|name| self.rrset(name, NS).first().copied()).last()
    }

    /// The DNAME that redirects `owner`, which lies below it.
    pub fn redirection(&self, owner: &[u8]) -> Option<usize> {
        name::upward(owner)
            .take_while(|name| name.len() >= self.apex.len())
            .skip(1)
            .filter_map(|name| self.rrset(name, DNAME).first().copied())
            .last()
    }

    /// Looks for the addresses of `target` (RFC 1034, 4.3.2, and wildcards by RFC 4592, 3.3.1).
    pub fn look_up(&self, target: &[u8]) -> Lookup {
        let target = &*name::lower(target);
        if !name::is_within(target, self.apex) {
            return Lookup::Outside;
        }
        if self.cut(target).is_some() {
            return Lookup::Delegated;
        }
        if let Some(alias) = self.redirection(target) {
            return Lookup::Alias(alias);
        }
        self.node_or_wildcard(target).map_or(Lookup::None, |node| {
            if let Some([alias, ..]) = node.get(&CNAME).map(Vec::as_slice) {
                Lookup::Alias(*alias)
            } else if node.contains_key(&A) || node.contains_key(&AAAA) {
                Lookup::Address
            } else {
                Lookup::None
            }
        })
    }

    /// Whether an address stands at `owner` itself.
    pub fn has_address(&self, owner: &[u8]) -> bool {
        [A, AAAA].iter().any(|rtype| !self.rrset(owner, *rtype).is_empty())
    }

    fn node_or_wildcard(&self, owner: &[u8]) -> Option<&Node> {
        self.nodes.get(owner).or_else(|| {
            let encloser = name::upward(owner).find(|name| self.nodes.contains_key(*name))?;
            self.nodes.get(&*[b"\x01*", encloser].concat())
        })
    }

    /// `owner` and its ancestors below the apex.
    fn above<'n>(&self, owner: &'n [u8]) -> impl Iterator<Item = &'n [u8]> {
        name::upward(owner).take_while(|name| name.len() > self.apex.len())
    }
}

fn add_ancestors(nodes: &mut HashMap<Box<[u8]>, Node>, apex: &[u8], owner: &[u8]) {
    for ancestor in name::upward(owner).skip(1) {
        if ancestor.len() < apex.len() || nodes.contains_key(ancestor) {
            return;
        }
        nodes.insert(ancestor.into(), Node::new());
    }
}
