//! Builds [`Zones`] from zone files and the document's pools.

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use crate::config::dns::PoolConfig;
use crate::config::{Finding, Findings};
use crate::memory;
use crate::zone::name::{self, Name};
use crate::zone::name_index::NameIndex;
use crate::zone::number::rtype;
use crate::zone::{ZoneFile, ZoneRecord};

use super::names::{Names, Node, NodeRow, SetRow};
use super::owners::{PoolOwner, PoolOwners, about_pool};
use super::presigned;
use super::rrset::{self, NodeId, OwnRrSet, helped_name};
use super::zones::{Zone, Zones};

/// Compiles zones with the names of the pools in them.
///
/// # Errors
///
/// Every finding: a pool's name that is in none of the zones, and those of [`compile_zone`].
pub fn compile(document: &Path, files: &[ZoneFile], pools: &BTreeMap<String, PoolConfig>) -> Result<Zones, Findings> {
    let owners = PoolOwners::new(document, files.iter().map(|file| file.apex.clone()).collect(), pools)?;
    let mut zones = Vec::new();
    let mut findings = Vec::new();
    for file in files {
        match compile_zone(file, &owners) {
            Ok(zone) => zones.push(Arc::new(zone)),
            Err(more) => findings.extend(more.0),
        }
    }
    if findings.is_empty() { Ok(Zones::new(zones, Vec::new())) } else { Err(Findings(findings)) }
}

/// Compiles one zone with the names of the pools in it.
///
/// # Errors
///
/// Every finding: a pool's name that is hidden by a delegation or a DNAME, or has addresses or a CNAME of its own in the file.
pub fn compile_zone(file: &ZoneFile, owners: &PoolOwners<'_>) -> Result<Zone, Findings> {
    let mut draft = Draft::new(file);
    let mut findings = presigned::beside_pools(file, owners);
    if let Err(TooLarge) = draft.fill(owners, &mut findings) {
        findings.push(Draft::whole(file, "takes more than 4 GiB of memory: split it"));
    }
    if !findings.is_empty() {
        return Err(Findings(findings));
    }
    let zone = draft.finish().map_err(|finding| Findings(vec![finding]))?;
    let signatures =
        presigned::signatures(file, &zone).map_err(|why| Findings(vec![Draft::whole(file, &why.to_string())]))?;
    Ok(match signatures {
        Some(signatures) => zone.signed(Arc::new(signatures)),
        None => zone,
    })
}

/// The hash of a name in lower case. Equal in every process, so that a reload changes no account.
fn account(lower: &[u8]) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(lower);
    hasher.finish()
}

/// A zone under construction: its names come in canonical order, each after all above it.
struct Draft<'f> {
    file: &'f ZoneFile,
    /// Labels of the apex.
    labels: usize,
    names: Names,
    /// The last name, and before it those above it up to the apex.
    path: Vec<Above>,
}

/// A name of the path.
#[derive(Debug, Clone, Copy)]
struct Above {
    id: NodeId,
    has_ns: bool,
    has_dname: bool,
}

/// The zone does not fit into the 4 GiB that its rows can name.
struct TooLarge;

impl<'f> Draft<'f> {
    fn new(file: &'f ZoneFile) -> Draft<'f> {
        Draft { file, labels: name::labels(&file.apex).count(), names: Names::default(), path: Vec::new() }
    }

    /// Adds every name of the file and of the pools.
    fn fill(&mut self, owners: &PoolOwners<'_>, findings: &mut Vec<Finding>) -> Result<(), TooLarge> {
        let file = self.file;
        let mut pools: Vec<&PoolOwner<'_>> = owners.owners.iter().filter(|owner| owner.apex == file.apex).collect();
        pools.sort_by(|one, other| name::compare(&one.wire, &other.wire));
        let mut pools = pools.into_iter().peekable();
        // `zone::load` refuses owners outside the zone; the walk from the apex must hold whatever it is given.
        let owner = |name: &[u32]| file.records.get(name[0]).owner;
        let mut names = file.records.names().filter(|name| name::is_within(owner(name), &file.apex)).peekable();
        if names.peek().is_none_or(|first| !owner(first).eq_ignore_ascii_case(&file.apex)) {
            self.name(&file.apex, &[])?;
        }
        for records in names.filter(|name| presigned::has_content(&file.records, name)) {
            let owner = owner(records);
            while let Some(pool) = pools.next_if(|pool| name::compare(&pool.wire, owner).is_lt()) {
                self.pool(pool, &[], owners.document, findings)?;
            }
            self.name(owner, records)?;
            while let Some(pool) = pools.next_if(|pool| pool.wire.eq_ignore_ascii_case(owner)) {
                self.pool(pool, records, owners.document, findings)?;
            }
        }
        pools.try_for_each(|pool| self.pool(pool, &[], owners.document, findings))
    }

    /// Adds a name with its records; every empty non-terminal above it exists from now on (RFC 4592, 2.2.2).
    fn name(&mut self, wire: &[u8], records: &[u32]) -> Result<(), TooLarge> {
        let Some(lower) = Name::from_wire(wire) else { return Ok(()) };
        let depth = lower.labels() - self.labels;
        let is_above = |(at, above): &(usize, &Above)| {
            self.names.node(above.id).name().eq_ignore_ascii_case(lower.from_label(depth.saturating_sub(*at)))
        };
        let shared = self.path.iter().enumerate().take(depth + 1).take_while(is_above).count();
        self.path.truncate(shared);
        let at = offset(&self.names.bytes)?;
        memory::reserve(&mut self.names.bytes, wire.len());
        self.names.bytes.extend_from_slice(wire);
        for label in (0..(depth + 1).saturating_sub(shared)).rev() {
            let start = lower.start(label);
            let records = if label == 0 { records } else { &[] };
            let set = |rtype| !self.file.records.set(records, rtype).is_empty();
            let id = self.names.nodes.len() as NodeId;
            let above = Above { id, has_ns: set(rtype::NS), has_dname: set(rtype::DNAME) };
            if let Some(parent) = self.path.last().filter(|_| name::is_wildcard(&wire[start..])) {
                self.names.nodes[parent.id as usize].wildcard = id;
            }
            memory::reserve(&mut self.names.nodes, 1);
            self.names.nodes.push(NodeRow {
                account: account(lower.from_label(label)),
                name: at + start as u32,
                sets: offset(&self.names.sets)?,
                wildcard: 0,
                pool: None,
                cut: above.has_ns && !self.path.is_empty(),
            });
            self.path.push(above);
        }
        self.sets(records)
    }

    /// Adds the sets of the last name.
    fn sets(&mut self, records: &[u32]) -> Result<(), TooLarge> {
        let file = &self.file.records;
        for (rtype, set) in file.sets(records).filter(|(rtype, _)| presigned::is_content(*rtype)) {
            let ttl = set.iter().map(|index| file.get(*index).ttl).min().unwrap_or(0);
            let wire = offset(&self.names.bytes)?;
            set.iter().for_each(|index| rrset::put(&mut self.names.bytes, rtype, ttl, file.get(*index).rdata));
            let (length, count) = (offset(&self.names.bytes)? - wire, set.len().try_into().map_err(|_| TooLarge)?);
            memory::reserve(&mut self.names.sets, 1);
            self.names.sets.push(SetRow { wire, length, additional: 0, rtype, count });
        }
        Ok(())
    }

    /// Marks a name as one of a pool's.
    fn pool(
        &mut self,
        owner: &PoolOwner<'_>,
        records: &[u32],
        document: &Path,
        findings: &mut Vec<Finding>,
    ) -> Result<(), TooLarge> {
        let PoolOwner { pool, id, binds, name, wire, .. } = owner;
        let is_last = self.path.last().is_some_and(|last| self.names.node(last.id).name().eq_ignore_ascii_case(wire));
        if !is_last {
            self.name(wire, records)?;
        }
        if let Some(hiding) = self.hiding() {
            let message = format!("\"{name}\" is never answered: {hiding} above it in the zone hides it");
            findings.push(about_pool(document, pool, message));
            return Ok(());
        }
        if let Some(row) = self.names.nodes.last_mut() {
            row.pool = NonZero::new(id + 1);
        }
        let conflicting = records.iter().map(|index| self.file.records.get(*index));
        let conflicting = conflicting.filter_map(|record| match record.rtype {
            rtype::CNAME => Some((record, "a CNAME")),
            rtype::A => Some((record, "an A record")),
            rtype::AAAA => Some((record, "an AAAA record")),
            rtype::HTTPS if *binds => Some((record, "an HTTPS record")),
            _ => None,
        });
        findings.extend(conflicting.map(|(record, kind)| {
            let message = match record.rtype {
                rtype::HTTPS => format!("{kind} cannot stand at {name}: it comes from pool {pool}; remove the record, or `https` of the pool"),
                _ => format!(
                    "{kind} cannot stand at {name}: its addresses come from pool {pool}; remove the record or the pool's name"
                ),
            };
            self.about(record, message)
        }));
        Ok(())
    }

    /// What makes the last name unreachable, in words: a delegation at or above it, or a DNAME above it.
    fn hiding(&self) -> Option<String> {
        self.path.iter().enumerate().find_map(|(at, above)| {
            let name = || name::to_text(self.names.node(above.id).name());
            if at > 0 && above.has_ns {
                return Some(format!("the delegation of {}", name()));
            }
            (at + 1 < self.path.len() && above.has_dname).then(|| format!("the DNAME of {}", name()))
        })
    }

    fn about(&self, record: ZoneRecord<'_>, message: String) -> Finding {
        let file = self.file.files.get(record.file as usize).cloned().unwrap_or_default();
        Finding { file, line: Some(record.line), path: String::new(), message }
    }

    /// A finding about the zone as a whole.
    fn whole(file: &ZoneFile, what: &str) -> Finding {
        let main = file.files.first().cloned().unwrap_or_default();
        let message = format!("{} {what}", name::to_text(&file.apex));
        Finding { file: main, line: None, path: String::new(), message }
    }

    fn finish(mut self) -> Result<Zone, Finding> {
        self.names.end();
        let by_name = NameIndex::new(self.names.iter().map(|node| node.name()));
        self.names.find_additional(&by_name);
        let Draft { file, labels, names, .. } = self;
        let Some(soa) = names.node(0).set(rtype::SOA).filter(|soa| soa.first().len() >= 22) else {
            return Err(Draft::whole(file, "has no SOA record at its apex"));
        };
        let fixed = soa.first().last_chunk::<20>().expect("a SOA's data was seen to be longer");
        let number = |at: usize| u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
        let negative = OwnRrSet::new(rtype::SOA, soa.ttl.min(number(16)), [soa.first()]);
        let (apex, account, serial) = (file.apex.clone(), account(&file.apex), number(0));
        let pool_names = names.iter().filter_map(|node| Some((node.pool()?, node.id()))).collect();
        Ok(Zone {
            apex,
            account,
            negative,
            serial,
            records: file.records.len(),
            warnings: file.warnings.clone(),
            bogus: None,
            fingerprint: file.fingerprint.clone(),
            is_catalog: false,
            history: None,
            labels,
            names: Arc::new(names),
            by_name: Arc::new(by_name),
            pool_names,
            signatures: None,
            order: None,
        })
    }
}

impl Names {
    /// Adds the rows behind the last ones.
    fn end(&mut self) {
        let sets = self.sets.len() as u32;
        self.nodes.push(NodeRow { account: 0, name: 0, sets, wildcard: 0, pool: None, cut: false });
        self.sets.push(SetRow { wire: 0, length: 0, additional: 0, rtype: 0, count: 0 });
    }

    /// Finds what helps with each set, once all names are known.
    fn find_additional(&mut self, by_name: &NameIndex) {
        let mut additional = Vec::new();
        for id in 0..self.nodes.len() as NodeId - 1 {
            for set in self.nodes[id as usize].sets..self.nodes[id as usize + 1].sets {
                let row = &mut self.sets[set as usize];
                row.additional = additional.len() as u32;
                let row = *row;
                let helping = self.helping(self.node(id), row, by_name);
                memory::reserve(&mut additional, helping.len());
                additional.extend(helping);
            }
        }
        if let Some(end) = self.sets.last_mut() {
            end.additional = additional.len() as u32;
        }
        self.additional = additional;
    }

    /// How many of a set's helpers a referral is useless without, then all of them; empty if there is none.
    fn helping(&self, node: Node<'_>, set: SetRow, by_name: &NameIndex) -> Vec<NodeId> {
        let mut helping: Vec<NodeId> = Vec::new();
        for name in rrset::rdatas(self.wire(set)).filter_map(|rdata| helped_name(set.rtype, rdata, node.name())) {
            let found = by_name.find(&name, |id| self.node(id).is_called(&name));
            helping.extend(found.filter(|id| !helping.contains(id)));
        }
        let is_within = |id: &NodeId| name::is_within(self.node(*id).name(), node.name());
        helping.sort_by_key(|id| !is_within(id));
        if !helping.is_empty() {
            helping.insert(0, helping.iter().filter(|id| is_within(id)).count() as u32);
        }
        helping
    }
}

/// The index of what is pushed next, as rows name it.
fn offset<T>(vector: &[T]) -> Result<u32, TooLarge> {
    u32::try_from(vector.len()).map_err(|_| TooLarge)
}
