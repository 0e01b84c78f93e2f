//! Catalogs that are made of the document's zones: what each is to say, and under which serial (pure).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::peer_state::ToldCatalogs;
use super::{Effect, State};
use crate::config::dns::ZoneConfig;
use crate::counted::counted;
use crate::daemon::clock::Now;
use crate::dns::catalog::production::{self, Other};
use crate::dns::catalog::{Members, digest, reading};
use crate::dns::compiled::Zone;
use crate::log_line::{Kind, LogLine};

/// A catalog that is made here.
pub struct Catalog {
    pub(in crate::dns) config: ZoneConfig,
    members: Members,
    /// Of the members.
    digest: String,
    /// What was stored has been read.
    is_read: bool,
    /// What is served, and the digest of what it says.
    held: Option<(Arc<Zone>, String)>,
    /// The number of the last one that was ordered.
    ordered: u64,
    /// It is still to come.
    is_under_way: bool,
}

/// A catalog that is to be made and stored; answered with [`CatalogNews`].
#[derive(Debug)]
pub struct CatalogOrder {
    /// Its apex, as the document has it.
    pub apex: String,
    /// The number of the order.
    pub number: u64,
    /// What it is to say.
    pub members: Members,
    /// Its serial.
    pub serial: u32,
    /// What is served until then.
    pub held: Option<Arc<Zone>>,
    /// What the document says of it.
    pub config: ZoneConfig,
}

/// What has come of an order.
#[derive(Debug)]
pub struct CatalogNews {
    /// The apex.
    pub apex: String,
    /// The number of the order.
    pub number: u64,
    /// The zone; none: this process is not the daemon any more.
    pub made: Option<Arc<Zone>>,
}

impl State {
    /// Takes in what the document says. Gives those of which something may be stored.
    pub(super) fn reload_catalogs(&mut self) -> Vec<(String, ZoneConfig)> {
        let mut unread = Vec::new();
        let configs = &self.document.config.zones;
        let wanted = configs.iter().filter_map(|(apex, config)| Some((apex, config, config.catalog()?)));
        self.catalogs.retain(|apex, _| configs.get(apex).is_some_and(|config| config.catalog().is_some()));
        for (apex, config, catalog) in wanted {
            let members = production::members(&catalog.members);
            let known = self.catalogs.entry(apex.clone()).or_insert_with(|| {
                unread.push((apex.clone(), config.clone()));
                Catalog {
                    config: config.clone(),
                    members: Members::new(),
                    digest: String::new(),
                    is_read: false,
                    held: None,
                    ordered: 0,
                    is_under_way: false,
                }
            });
            known.config = config.clone();
            known.digest = digest(&members);
            known.members = members;
        }
        unread
    }

    /// What was stored of a catalog has been read.
    pub(super) fn read_catalog(&mut self, apex: &str, stored: Option<Arc<Zone>>) {
        let Some(catalog) = self.catalogs.get_mut(apex) else { return };
        catalog.is_read = true;
        if let Some(zone) = stored {
            catalog.hold(zone);
            self.have_zones_changed = true;
        }
    }

    /// One has been made.
    pub(super) fn take_catalog(&mut self, CatalogNews { apex, number, made }: CatalogNews) -> Vec<Effect> {
        let Some(catalog) = self.catalogs.get_mut(&apex).filter(|known| known.ordered == number) else {
            return Vec::new();
        };
        let Some(zone) = made else { return Vec::new() };
        catalog.is_under_way = false;
        let said = format!(
            "zone {apex}: serial {} of the catalog has {}",
            zone.serial,
            counted(catalog.members.len(), "zone")
        );
        catalog.hold(zone);
        self.have_zones_changed = true;
        vec![Effect::Log(LogLine::info(Kind::Other, said).about(&apex))]
    }

    /// Orders what is not as it should be, or has a newer serial elsewhere.
    pub(super) fn look_at_catalogs(&mut self, now: Now) -> Vec<Effect> {
        let peers = &self.peers;
        let catalogs = self.catalogs.iter_mut().filter(|(_, catalog)| catalog.is_read && !catalog.is_under_way);
        let orders = catalogs.filter_map(|(apex, catalog)| {
            let told = peers.values().filter_map(|peer| peer.catalogs.get(apex));
            let others: Vec<Other> =
                told.map(|(serial, digest)| Other { serial: *serial, is_same: *digest == catalog.digest }).collect();
            let held = catalog.held.as_ref().map(|(zone, says)| (zone.serial, *says == catalog.digest));
            let serial = production::next_serial(held, &others, now.unix_ms / 1000)?;
            catalog.ordered += 1;
            catalog.is_under_way = true;
            Some(Effect::Catalog(Box::new(CatalogOrder {
                apex: apex.clone(),
                number: catalog.ordered,
                members: catalog.members.clone(),
                serial,
                held: catalog.held.as_ref().map(|(zone, _)| Arc::clone(zone)),
                config: catalog.config.clone(),
            })))
        });
        orders.collect()
    }

    /// Catalogs that may be stored, and have not been read yet.
    pub(super) fn unread_catalogs(&self) -> usize {
        self.catalogs.values().filter(|catalog| !catalog.is_read).count()
    }

    /// Those that are served.
    pub(super) fn held_catalogs(&self) -> impl Iterator<Item = Arc<Zone>> {
        self.catalogs.values().filter_map(|catalog| catalog.held.as_ref()).map(|(zone, _)| Arc::clone(zone))
    }

    /// What peers are told of them.
    pub(super) fn told_catalogs(&self) -> ToldCatalogs {
        let held = self.catalogs.iter().filter_map(|(apex, catalog)| Some((apex, catalog.held.as_ref()?)));
        held.map(|(apex, (zone, says))| (apex.clone(), (zone.serial, says.clone()))).collect()
    }

    /// How many zones each lists.
    pub(super) fn made_sizes(&self) -> impl Iterator<Item = (&str, usize)> {
        self.catalogs.iter().map(|(apex, catalog)| (apex.as_str(), catalog.members.len()))
    }

    /// How a catalog that is made here stands, in words; `None` for another zone.
    pub(in crate::dns) fn catalog_in_words(&self, apex: &str) -> Option<String> {
        let catalog = self.catalogs.get(apex)?;
        let lists = counted(catalog.members.len(), "zone");
        Some(match &catalog.held {
            Some(_) => {
                format!("it is a catalog of {lists}, made here, and answered only to those who may have it whole")
            }
            None => format!("it is a catalog of {lists}, and still to be made"),
        })
    }

    /// Whether this is a catalog that is made here.
    pub(in crate::dns) fn is_made_here(&self, apex: &str) -> bool {
        self.catalogs.contains_key(apex)
    }

    /// A catalog that is answered SERVFAIL, as it is still to be made.
    pub(in crate::dns) fn is_unmade(&self, apex: &str) -> bool {
        self.catalogs.get(apex).is_some_and(|catalog| catalog.held.is_none())
    }
}

impl Catalog {
    fn hold(&mut self, zone: Arc<Zone>) {
        // One that says nothing that we would say is made anew.
        let says = reading::members(&zone).map(|members| digest(&members)).unwrap_or_default();
        self.held = Some((zone, says));
    }
}

/// Of the catalogs that peers tell of, those that the document has.
pub(super) fn vetted(told: ToldCatalogs, catalogs: &BTreeMap<String, Catalog>) -> ToldCatalogs {
    told.into_iter().filter(|(apex, _)| catalogs.contains_key(apex)).collect()
}
