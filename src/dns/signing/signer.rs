//! What signs the zones of a document.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::config::dns::{Denial, DnssecConfig, SerialRule};
use crate::dnssec::ZoneKey;

/// What signs a zone.
#[derive(Debug, Clone)]
pub struct ZoneSigner {
    pub(super) apex: Box<[u8]>,
    pub(super) keys: Vec<Arc<ZoneKey>>,
    pub(super) lifetime: Duration,
    pub(super) denial: Denial,
    pub(super) serial: SerialRule,
    /// Tags that other keys had before: what they made is told from what these make by nothing but its being wrong.
    pub(super) taken_over: BTreeSet<u16>,
    pub(super) zonemd: bool,
}

impl ZoneSigner {
    /// With the keys of a zone, of which there is at least one, for its apex in lower case.
    pub fn new(apex: Box<[u8]>, keys: Vec<Arc<ZoneKey>>, config: &DnssecConfig) -> ZoneSigner {
        let DnssecConfig { keys: _, lifetime, denial, serial, zonemd } = *config;
        ZoneSigner { apex, keys, lifetime, denial, serial, zonemd, taken_over: BTreeSet::new() }
    }

    /// The same after another one of its zone: nothing is kept that a key of the same tag may have made.
    #[must_use]
    pub fn following(mut self, before: &ZoneSigner) -> ZoneSigner {
        let is_another = |key: &&Arc<ZoneKey>| {
            let of_tag = before.keys.iter().filter(|before| before.tag() == key.tag());
            let is_new = of_tag.clone().all(|before| before.dnskey() != key.dnskey());
            of_tag.count() > 0 && is_new || before.taken_over.contains(&key.tag())
        };
        self.taken_over = self.keys.iter().filter(is_another).map(|key| key.tag()).collect();
        self
    }

    /// The apex, in lower case.
    pub fn apex(&self) -> &[u8] {
        &self.apex
    }

    /// All its keys.
    pub fn keys(&self) -> &[Arc<ZoneKey>] {
        &self.keys
    }
}

/// What signs the zones of a document, by apex in lower case.
#[derive(Debug, Clone, Default)]
pub struct Signers(BTreeMap<Box<[u8]>, Arc<ZoneSigner>>);

impl Signers {
    /// What signs the zone of an apex; none: it is not signed here.
    pub fn of(&self, apex: &[u8]) -> Option<&Arc<ZoneSigner>> {
        self.0.get(apex)
    }

    /// Whether no zone is signed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<ZoneSigner>> {
        self.0.values()
    }
}

impl FromIterator<ZoneSigner> for Signers {
    fn from_iter<T: IntoIterator<Item = ZoneSigner>>(signers: T) -> Signers {
        Signers(signers.into_iter().map(|signer| (signer.apex.clone(), Arc::new(signer))).collect())
    }
}
