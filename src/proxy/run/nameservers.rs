//! Our own nameservers, which answer the CA's challenges by dns-01: what they are told, and how each is doing.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::acme::steps::{Event, TxtRecord};
use crate::config::proxy::AcmeNameserversConfig;
use crate::daemon::challenges::{NameserverHealth, Teller};
use crate::daemon::peers::Identity;
use crate::proxy::control::prepared::Prepared;

/// How long the CA is not asked to look because a nameserver does not answer: several tellings, and a nameserver's restart.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tells the nameservers of the document in force, if it has any.
#[derive(Default)]
pub(super) struct Nameservers(Option<Running>);

struct Running {
    config: AcmeNameserversConfig,
    identity: Identity,
    from: IpAddr,
    teller: Teller,
}

impl Nameservers {
    /// Goes by the document in force; undisturbed if nothing of it has changed.
    pub(super) fn serve(&mut self, prepared: &Prepared) {
        let config = prepared.document.acme.as_ref().and_then(|acme| acme.nameservers.as_ref());
        let next = config.zip(prepared.nameservers_identity.as_ref());
        // They know this host by the address that its peers know it by.
        let peers = prepared.document.peers.as_ref();
        let from = peers.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peers| peers.listen.ip());
        let same = |running: &Running| next == Some((&running.config, &running.identity)) && running.from == from;
        if self.0.as_ref().is_some_and(same) {
            return;
        }
        self.0 = next.map(|(config, identity)| Running {
            config: config.clone(),
            identity: identity.clone(),
            from,
            teller: Teller::start(identity.clone(), from, config.members.clone()),
        });
    }

    /// Has them answer with these records and no others of this proxy's, and reports when the CA may look.
    pub(super) fn publish(&self, records: Vec<TxtRecord>, report: impl Fn(Event) + 'static) {
        let challenges = TxtRecord::by_name(&records);
        match &self.0 {
            Some(Running { teller, .. }) if records.is_empty() => teller.want(challenges),
            Some(Running { teller, .. }) => {
                let spread = teller.spread(challenges, PATIENCE);
                tokio::task::spawn_local(async move {
                    let ended = spread.await.map_err(|why| why.to_string());
                    let ended = ended.map(|spread| {
                        for warning in spread.warnings {
                            tracing::warn!("{warning}; the CA is asked to look all the same, for others answer");
                        }
                    });
                    report(Event::RecordsPublished(records, ended));
                });
            }
            None if records.is_empty() => {}
            None => {
                let why = "the document names none: `acme.nameservers` is missing".to_owned();
                report(Event::RecordsPublished(records, Err(why)));
            }
        }
    }

    /// Nothing is told any more.
    pub(super) fn stop(&mut self) {
        self.0 = None;
    }

    /// How each is doing.
    pub(super) fn health(&self) -> BTreeMap<String, NameserverHealth> {
        self.0.as_ref().map(|running| running.teller.health()).unwrap_or_default()
    }
}
