//! What the operator should look at (pure): a sentence each, shown by status, metrics and the page.

use std::time::Duration;

use super::build::backend_states;
use super::prepared::{PreparedBackend, PreparedService};
use super::{State, is_latched};
use crate::api::alarms::no_usable_backend;
use crate::proxy::choose::is_usable;
use crate::proxy::latch::{Now, Situation};
use crate::proxy::snapshot::{Front, Service};
use crate::proxy::target::files::folder::WatchedFolder;

impl State {
    /// What the operator should look at.
    pub fn alarms(&self, now: Now) -> Vec<String> {
        let mut alarms: Vec<String> = self.isolation.alarms(self.snapshot.ready).collect();
        alarms.extend(self.alarms_of_agreement(now));
        for (service, shown) in self.prepared.services.iter().zip(&self.snapshot.services) {
            alarms.extend(self.of_service(service, shown, now));
            alarms.extend(service.backends.iter().filter_map(|backend| self.changed_check(service, backend)));
        }
        let tries = "it is in force in memory, and the write is tried again every 2 s";
        alarms.extend(self.latches.failure().map(|why| format!("a latch is not on disk: {why}; {tries}")));
        alarms.extend(self.damaged.iter().map(|why| {
            format!(
                "at the start a slot of the stored latches was damaged ({why}): the other one, which may be older by one failover, was \
                 used and both are written anew; compare with the peers, and `polder failover SERVICE --to BACKEND` decides; \
                 look after the disk, and restart this daemon to end this alarm"
            )
        }));
        let since_epoch = Duration::from_millis(now.unix_ms);
        alarms.extend(self.prepared.settings.tls.iter().flat_map(|tls| tls.alarms(since_epoch)));
        alarms.extend(self.orders.alarms(now));
        let unread = self.prepared.fronts.iter().flat_map(Front::file_errors);
        alarms.extend(unread.map(|error| format!("{error}; what was read before goes on")));
        let folders = self.prepared.fronts.iter().filter_map(Front::folder).filter_map(WatchedFolder::error);
        alarms.extend(folders.map(|error| error.to_string()));
        let connectors = self.prepared.services.iter().filter_map(|service| service.backend_tls.as_ref());
        let mut to_backends: Vec<String> = connectors.flat_map(|connector| connector.alarms(since_epoch)).collect();
        to_backends.sort();
        to_backends.dedup();
        alarms.extend(to_backends);
        alarms.extend(
            self.prepared.rule_files().filter_map(|(front, file)| Some(format!("{}: {}", front.name, file.alarm()?))),
        );
        alarms.extend(self.operator_file.alarms(now));
        for (peer, words) in &self.peers {
            alarms.extend(words.alarms(peer, &self.latches, now));
        }
        alarms
    }

    fn of_service(&self, service: &PreparedService, shown: &Service, now: Now) -> Option<String> {
        let Some((rules, keeper)) = service.rules().zip(self.latches.get(&service.name)) else {
            let is_empty = !is_latched(shown) && !is_usable(shown);
            return is_empty.then(|| no_usable_backend(&service.name));
        };
        let backends = backend_states(service, &self.health, &self.operator, &self.isolation, now);
        let isolated = self.isolation.is_isolated(&service.name);
        keeper.alarm(&Situation {
            own: &self.own,
            service: &service.name,
            backends: &backends,
            rules,
            running: 0,
            isolated,
            agreed: self.agreement.is_some(),
        })
    }

    /// A backend that only the check before the last change finds up: the document is probably wrong.
    fn changed_check(&self, service: &PreparedService, backend: &PreparedBackend) -> Option<String> {
        let health = self.health.get(&backend.target)?;
        let (service, backend, is_kept) =
            (&service.name, &backend.name, service.judged_by(health).verdict != health.verdict);
        is_kept.then(|| {
            format!(
                "{service}: {backend} fails its changed check ({}) and passes the one before: it counts as up until it passes \
                 the new one or fails both; correct the check, or step with `polder failover {service}`",
                health.reason
            )
        })
    }
}
