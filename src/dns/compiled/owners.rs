//! The names that pools answer at, and the zone that each lies in.

use std::collections::BTreeMap;
use std::path::Path;

use super::names::PoolId;
use crate::config::dns::PoolConfig;
use crate::config::{Finding, Findings};
use crate::zone::name;

/// The names that are answered from pools, each with the zone that it lies in: the deepest one that encloses it.
pub struct PoolOwners<'c> {
    pub(super) document: &'c Path,
    pub(super) owners: Vec<PoolOwner<'c>>,
}

/// One of them.
pub(super) struct PoolOwner<'c> {
    pub(super) pool: &'c str,
    pub(super) id: PoolId,
    /// It has an HTTPS record of its own.
    pub(super) binds: bool,
    pub(super) name: &'c str,
    pub(super) wire: Box<[u8]>,
    pub(super) apex: Box<[u8]>,
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
                match PoolOwner::new(&apexes, (pool, id as PoolId, config.https.is_some()), name) {
                    Ok(owner) => owners.push(owner),
                    Err(message) => findings.push(about_pool(document, pool, message)),
                }
            }
        }
        if findings.is_empty() { Ok(PoolOwners { document, owners }) } else { Err(Findings(findings)) }
    }

    /// The names in the zone of an apex, each with its pool, and whether that has an HTTPS record.
    pub fn within(&self, apex: &[u8]) -> impl Iterator<Item = (&[u8], PoolId, bool)> {
        self.owners.iter().filter(move |owner| *owner.apex == *apex).map(|owner| (&*owner.wire, owner.id, owner.binds))
    }
}

impl<'c> PoolOwner<'c> {
    fn new(
        apexes: &[Box<[u8]>],
        (pool, id, binds): (&'c str, PoolId, bool),
        name: &'c str,
    ) -> Result<PoolOwner<'c>, String> {
        let wire = name::from_text(name).ok_or_else(|| format!("\"{name}\" is not a domain name"))?;
        let enclosing = apexes.iter().filter(|apex| name::is_within(&wire, apex));
        let apex = enclosing.max_by_key(|apex| apex.len()).cloned();
        let apex = apex.ok_or_else(|| format!("\"{name}\" is in none of the zones; a pool's names must be"))?;
        Ok(PoolOwner { pool, id, binds, name, wire, apex })
    }
}

/// A finding about a pool of the document.
pub(super) fn about_pool(document: &Path, pool: &str, message: String) -> Finding {
    Finding { file: document.into(), line: None, path: format!("pools.{pool}"), message }
}
