//! Builds [`Zones`] from zone files and the document's pools.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hasher;
use std::path::Path;

use crate::config::dns::PoolConfig;
use crate::config::{Finding, Findings};
use crate::zone::name;
use crate::zone::number::rtype;
use crate::zone::{ZoneFile, ZoneRecord};

use super::rrset::{NodeId, RrSet, helped_name};
use super::zones::{Node, PoolId, Zone, Zones};

/// A name's labels from the root down: ordered by this, names are in canonical order (RFC 4034, 6.1).
type Canonical = Vec<Box<[u8]>>;

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
            Ok(zone) => zones.push(zone),
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
    let mut findings = Vec::new();
    for owner in owners.owners.iter().filter(|owner| owner.apex == file.apex) {
        draft.place_pool(owner, owners.document, &mut findings);
    }
    if findings.is_empty() {
        draft.finish().map_err(|finding| Findings(vec![finding]))
    } else {
        Err(Findings(findings))
    }
}

/// The names that are answered from pools, each with the zone that it lies in: the deepest one that encloses it.
pub struct PoolOwners<'c> {
    document: &'c Path,
    owners: Vec<PoolOwner<'c>>,
}

struct PoolOwner<'c> {
    pool: &'c str,
    id: PoolId,
    name: &'c str,
    wire: Box<[u8]>,
    apex: Box<[u8]>,
}

impl<'c> PoolOwners<'c> {
    /// Finds the zone of each name. `document` stands in the findings.
    ///
    /// # Errors
    ///
    /// A name is in none of the zones.
    pub fn new(
        document: &'c Path,
        apexes: Vec<Box<[u8]>>,
        pools: &'c BTreeMap<String, PoolConfig>,
    ) -> Result<PoolOwners<'c>, Findings> {
        let mut owners = Vec::new();
        let mut findings = Vec::new();
        for (id, (pool, config)) in pools.iter().enumerate() {
            for name in std::iter::once(pool).chain(&config.aliases) {
                match PoolOwner::new(&apexes, (pool, id as PoolId), name) {
                    Ok(owner) => owners.push(owner),
                    Err(message) => findings.push(about_pool(document, pool, message)),
                }
            }
        }
        if findings.is_empty() { Ok(PoolOwners { document, owners }) } else { Err(Findings(findings)) }
    }
}

impl<'c> PoolOwner<'c> {
    fn new(apexes: &[Box<[u8]>], (pool, id): (&'c str, PoolId), name: &'c str) -> Result<PoolOwner<'c>, String> {
        let wire = name::from_text(name).ok_or_else(|| format!("\"{name}\" is not a domain name"))?;
        let enclosing = apexes.iter().filter(|apex| name::is_within(&wire, apex));
        let apex = enclosing.max_by_key(|apex| apex.len()).cloned();
        let apex = apex.ok_or_else(|| format!("\"{name}\" is in none of the zones; a pool's names must be"))?;
        Ok(PoolOwner { pool, id, name, wire, apex })
    }
}

fn about_pool(document: &Path, pool: &str, message: String) -> Finding {
    Finding { file: document.into(), line: None, path: format!("pools.{pool}"), message }
}

/// The labels of a name from the root down.
fn canonical(wire: &[u8]) -> Canonical {
    let mut labels: Canonical = name::labels(wire).map(name::lower).collect();
    labels.reverse();
    labels
}

/// The hash of a name in lower case. Equal in every process, so that a reload changes no account.
fn account(lower: &[u8]) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(lower);
    hasher.finish()
}

/// A zone under construction.
struct Draft<'f> {
    file: &'f ZoneFile,
    apex: Canonical,
    nodes: BTreeMap<Canonical, NodeDraft<'f>>,
}

/// A name of it.
#[derive(Default)]
struct NodeDraft<'f> {
    name: Box<[u8]>,
    sets: BTreeMap<u16, Vec<&'f ZoneRecord>>,
    pool: Option<PoolId>,
}

impl<'f> Draft<'f> {
    fn new(file: &'f ZoneFile) -> Draft<'f> {
        let mut draft = Draft { file, apex: canonical(&file.apex), nodes: BTreeMap::new() };
        draft.node(&file.apex);
        // `zone::load` refuses owners outside the zone; the walk from the apex must hold whatever it is given.
        for record in file.records.iter().filter(|record| name::is_within(&record.owner, &file.apex)) {
            draft.node(&record.owner).sets.entry(record.rtype).or_default().push(record);
        }
        draft
    }

    /// The node of a name; it and every empty non-terminal above it exist from now on (RFC 4592, 2.2.2).
    fn node(&mut self, wire: &[u8]) -> &mut NodeDraft<'f> {
        let path = canonical(wire);
        let mut suffix = wire;
        for length in (self.apex.len()..path.len()).rev() {
            suffix = &suffix[suffix[0] as usize + 1..];
            let above = self.nodes.entry(path[..length].to_vec()).or_default();
            if above.name.is_empty() {
                above.name = suffix.into();
            }
        }
        let node = self.nodes.entry(path).or_default();
        if node.name.is_empty() {
            node.name = wire.into();
        }
        node
    }

    /// What makes a name unreachable, in words: a delegation at or above it, or a DNAME above it.
    fn hidden_by(&self, wire: &[u8]) -> Option<String> {
        let path = canonical(wire);
        (self.apex.len()..=path.len()).find_map(|length| {
            let node = self.nodes.get(&path[..length])?;
            let name = || name::to_text(&node.name);
            if length > self.apex.len() && node.sets.contains_key(&rtype::NS) {
                return Some(format!("the delegation of {}", name()));
            }
            (length < path.len() && node.sets.contains_key(&rtype::DNAME)).then(|| format!("the DNAME of {}", name()))
        })
    }

    /// Marks a name as one of a pool's.
    fn place_pool(&mut self, owner: &PoolOwner<'_>, document: &Path, findings: &mut Vec<Finding>) {
        let PoolOwner { pool, id, name, wire, .. } = owner;
        if let Some(hiding) = self.hidden_by(wire) {
            let message = format!("\"{name}\" is never answered: {hiding} above it in the zone hides it");
            return findings.push(about_pool(document, pool, message));
        }
        let node = self.node(wire);
        node.pool = Some(*id);
        let conflicting: Vec<&ZoneRecord> = [rtype::A, rtype::AAAA, rtype::CNAME]
            .iter()
            .filter_map(|rtype| node.sets.get(rtype))
            .flatten()
            .copied()
            .collect();
        findings.extend(conflicting.iter().map(|record| {
            let kind = match record.rtype {
                rtype::CNAME => "a CNAME",
                rtype::A => "an A record",
                _ => "an AAAA record",
            };
            self.about(
                record,
                format!(
                    "{kind} cannot stand at {name}: its addresses come from pool {pool}; remove the record or the \
                     pool's name"
                ),
            )
        }));
    }

    fn about(&self, record: &ZoneRecord, message: String) -> Finding {
        let file = self.file.files.get(record.file as usize).cloned().unwrap_or_default();
        Finding { file, line: Some(record.line), path: String::new(), message }
    }

    fn finish(self) -> Result<Zone, Finding> {
        let by_name: HashMap<Box<[u8]>, NodeId> =
            self.nodes.values().enumerate().map(|(id, node)| (name::lower(&node.name), id as NodeId)).collect();
        let nodes: Vec<Node> = self.nodes.values().map(|draft| draft.finish(&self.file.apex, &by_name)).collect();
        let Some(soa) = nodes[0].set(rtype::SOA).filter(|soa| soa.first().len() >= 22) else {
            return Err(Finding {
                file: self.file.files.first().cloned().unwrap_or_default(),
                line: None,
                path: String::new(),
                message: format!("{} has no SOA record at its apex", name::to_text(&self.file.apex)),
            });
        };
        let fixed = soa.first().last_chunk::<20>().expect("a SOA's data was seen to be longer");
        let number = |at: usize| u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
        let negative = RrSet::new(rtype::SOA, soa.ttl.min(number(16)), [soa.first()]);
        Ok(Zone {
            apex: self.file.apex.clone(),
            account: account(&self.file.apex),
            negative,
            serial: number(0),
            records: self.file.records.len(),
            labels: self.apex.len(),
            nodes,
            by_name,
        })
    }
}

impl NodeDraft<'_> {
    fn finish(&self, apex: &[u8], by_name: &HashMap<Box<[u8]>, NodeId>) -> Node {
        let lower = name::lower(&self.name);
        let sets = self.sets.iter().map(|(rtype, records)| {
            let ttl = records.iter().map(|record| record.ttl).min().unwrap_or(0);
            let mut set = RrSet::new(*rtype, ttl, records.iter().map(|record| &*record.rdata));
            let mut helped: Vec<Box<[u8]>> = Vec::new();
            for name in records.iter().filter_map(|record| helped_name(*rtype, &record.rdata, &lower)) {
                if by_name.contains_key(&name) && !helped.contains(&name) {
                    helped.push(name);
                }
            }
            helped.sort_by_key(|name| !name::is_within(name, &lower));
            set.needed = helped.iter().filter(|name| name::is_within(name, &lower)).count();
            set.additional = helped.iter().map(|name| by_name[name]).collect();
            set
        });
        let star: Vec<u8> = [b"\x01*", &lower[..]].concat();
        Node {
            sets: sets.collect(),
            pool: self.pool,
            cut: lower[..] != *apex && self.sets.contains_key(&rtype::NS),
            wildcard: by_name.get(&star[..]).copied(),
            account: account(&lower),
            name: self.name.clone(),
        }
    }
}
