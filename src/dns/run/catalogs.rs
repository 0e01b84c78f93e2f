//! Makes the catalogs that control orders, and stores each before it is served.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::daemon::lifecycle::{Input, Inputs};
use crate::dns::catalog::production;
use crate::dns::compiled::Zone;
use crate::dns::control::prepared::Prepared;
use crate::dns::control::{CatalogNews, CatalogOrder, Event};
use crate::dns::journal::{self, Journals};
use crate::dns::secondary::made;
use crate::dns::secondary::stored::Stored;
use crate::zone::name;

/// The orders that are under way.
pub struct Catalogs {
    inputs: Inputs<Prepared, Event>,
    /// Another process is the daemon, or none: nothing is written any more.
    is_over: Arc<AtomicBool>,
    /// What is to be made once this process is the daemon.
    waiting: RefCell<Vec<CatalogOrder>>,
}

impl Catalogs {
    /// None is ordered yet.
    pub fn new(inputs: Inputs<Prepared, Event>) -> Catalogs {
        Catalogs { inputs, is_over: Arc::default(), waiting: RefCell::default() }
    }

    /// Makes one, now or once this process is the daemon.
    pub fn order(&self, order: CatalogOrder, document: &Prepared, is_daemon: bool) {
        match is_daemon {
            true => self.make(order, document),
            false => self.waiting.borrow_mut().push(order),
        }
    }

    /// This process is the daemon, with this document.
    pub fn serve(&self, document: &Prepared) {
        self.waiting.take().into_iter().for_each(|order| self.make(order, document));
    }

    /// Nothing is written any more.
    pub fn stop(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    fn make(&self, order: CatalogOrder, document: &Prepared) {
        let state_dir = &document.config.state_dir;
        let (stored, journals) = (Stored::new(state_dir), Journals::new(state_dir));
        let (inputs, is_over) = (self.inputs.clone(), Arc::clone(&self.is_over));
        tokio::task::spawn_local(async move {
            let (apex, number) = (order.apex.clone(), order.number);
            let made = tokio::task::spawn_blocking(move || make(&order, &stored, &journals, &is_over));
            let made = made.await.unwrap_or(None).map(Arc::new);
            inputs.send(Input::Event(Event::Catalog(CatalogNews { apex, number, made })));
        });
    }
}

fn make(order: &CatalogOrder, stored: &Stored, journals: &Journals, is_over: &AtomicBool) -> Option<Zone> {
    let CatalogOrder { apex, members, serial, held, config, .. } = order;
    let records = production::records(&name::from_text(apex)?, members, *serial);
    let mut zone = match made::zone(apex, &records, config.checks) {
        Ok(made) => made.zone,
        Err(why) => {
            tracing::error!("zone {apex}: no catalog can be made: {why}; report this as a bug");
            return None;
        }
    };
    zone.is_catalog = true;
    if is_over.load(Ordering::Relaxed) {
        return None;
    }
    if let Err(why) = stored.write(apex, &records) {
        // The next start begins with the time again, which is later.
        tracing::warn!("zone {apex}: the catalog cannot be stored: {why}; it is served all the same");
    }
    match held {
        Some(held) => journal::follow(&mut zone, config, held),
        None => journal::follow_stored(&mut zone, config, || journals.read(apex), || None),
    }
    Some(zone)
}
