//! Who gets which zone, as the document says it.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::config::dns::{PoolsInTransfer, PrimaryConfig, TsigKeyConfig, ZoneConfig};
use crate::daemon::key_file::KeyError;
use crate::dns::tsig::{Key, Keys};
use crate::zone::name;

/// The keys of the document, and who gets which zone.
#[derive(Debug, Default)]
pub struct Transfers {
    keys: Arc<Keys>,
    /// By apex in wire format, lower case; none of a zone that nobody gets.
    zones: HashMap<Box<[u8]>, Arc<Rules>>,
    /// By apex, whom zones come from, and the key that each signs with.
    primaries: HashMap<Box<[u8]>, Arc<[Primary]>>,
}

/// A primary's address, and the name of its key in wire format and lower case.
type Primary = (IpAddr, Option<Box<[u8]>>);

/// Who gets a zone, and what of it.
#[derive(Debug)]
pub struct Rules {
    allowed: Vec<Allowed>,
    /// What it has at the names of pools.
    pub pools: PoolsInTransfer,
}

/// Somebody who gets it: both must hold.
#[derive(Debug)]
struct Allowed {
    /// Empty: from anywhere.
    networks: Vec<IpNet>,
    /// In wire format, lower case.
    key: Option<Box<[u8]>>,
}

impl Transfers {
    /// Reads the secrets that a document names.
    ///
    /// # Errors
    ///
    /// Of each file that cannot be used.
    pub fn read(
        keys: &BTreeMap<String, TsigKeyConfig>,
        zones: &BTreeMap<String, ZoneConfig>,
    ) -> Result<Transfers, Vec<KeyError>> {
        let keys = Arc::new(Keys::read(keys)?);
        let mut transfers = Transfers { keys, ..Transfers::default() };
        zones.iter().for_each(|(apex, config)| transfers.add(apex, Terms::of(config)));
        Ok(transfers)
    }

    /// The same with these zones besides. Where one follows another that has the same configuration, they share it.
    #[must_use]
    pub fn and<'z>(&self, zones: impl Iterator<Item = (&'z String, &'z ZoneConfig)>) -> Transfers {
        let Transfers { keys, zones: own, primaries } = self;
        let mut all = Transfers { keys: Arc::clone(keys), zones: own.clone(), primaries: primaries.clone() };
        let mut last: Option<(&ZoneConfig, Terms)> = None;
        for (apex, config) in zones {
            let terms = match last.take() {
                Some((before, terms)) if before == config => terms,
                _ => Terms::of(config),
            };
            all.add(apex, terms.clone());
            last = Some((config, terms));
        }
        all
    }

    fn add(&mut self, apex: &str, Terms { rules, primaries }: Terms) {
        let Some(apex) = name::from_text(apex) else { return };
        if let Some(rules) = rules {
            self.zones.insert(apex.clone(), rules);
        }
        if !primaries.is_empty() {
            self.primaries.insert(apex, primaries);
        }
    }

    /// The keys that messages are signed with.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Whether the zone of this apex comes from this address, where messages are signed with this key or none.
    pub fn is_primary(&self, apex: &[u8], from: IpAddr, key: Option<&[u8]>) -> bool {
        let primaries = self.primaries.get(apex).into_iter();
        primaries
            .flat_map(|primaries| primaries.iter())
            .any(|(address, wanted)| *address == from && wanted.as_deref().is_none_or(|wanted| key == Some(wanted)))
    }

    /// Who gets the zone of this apex, in wire format and lower case; `None`: nobody.
    pub fn of(&self, apex: &[u8]) -> Option<&Rules> {
        self.zones.get(apex).map(Arc::as_ref)
    }
}

/// Who gets a zone, and whom it comes from.
#[derive(Debug, Clone)]
struct Terms {
    rules: Option<Arc<Rules>>,
    primaries: Arc<[Primary]>,
}

impl Terms {
    fn of(config: &ZoneConfig) -> Terms {
        let rules = config.transfer.as_ref().map(|transfer| {
            let allowed = transfer.allow.iter().map(|allowed| Allowed {
                networks: allowed.networks.clone(),
                key: allowed.key.as_deref().map(key_name),
            });
            Arc::new(Rules { allowed: allowed.collect(), pools: transfer.pools })
        });
        let primary = |primary: &PrimaryConfig| (primary.address.ip(), primary.key.as_deref().map(key_name));
        Terms { rules, primaries: config.primaries().iter().map(primary).collect() }
    }
}

/// A key's name in wire format. What is no name is nobody's key, and never "none needed".
fn key_name(text: &str) -> Box<[u8]> {
    name::from_text(text).unwrap_or_default()
}

impl Rules {
    /// Whether a client gets the zone whose query is signed with `key`, or with none.
    pub fn allow(&self, client: IpAddr, key: Option<&Key>) -> bool {
        self.allowed.iter().any(|allowed| {
            let is_near =
                allowed.networks.is_empty() || allowed.networks.iter().any(|network| network.contains(&client));
            is_near && allowed.key.as_ref().is_none_or(|wanted| key.is_some_and(|key| key.name() == &**wanted))
        })
    }
}
