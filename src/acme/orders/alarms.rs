//! What the operator sees of orders (pure).

use std::time::Duration;

use super::Orders;
use crate::acme::schedule::Cause;
use crate::acme::steps::Standing;
use crate::api::daemon::Daemon;
use crate::config::duration;
use crate::daemon::clock::Now;
use crate::printable::printable;

impl Orders {
    /// How the order of each desired certificate stands.
    pub fn standings(&self, ready: bool, now: Now) -> impl Iterator<Item = Standing> {
        self.desired.keys().map(move |service| {
            let orderer = self.orderer(service, ready, now).map(str::to_owned);
            let failures = self.failures.get(service);
            let by_peer = || self.peers.values().filter_map(|peer| peer.words.renewals.get(service)).max().copied();
            let own = self.renewal(service);
            Standing {
                service: service.clone(),
                orderer: orderer.clone(),
                // Who does not order has not asked the CA.
                renewal: own
                    .map(|own| if orderer.as_ref() == Some(&self.own) { own } else { by_peer().unwrap_or(own) }),
                error: failures.map(|failures| printable(&failures.why).into_owned()),
                next_try: failures.map(|failures| failures.until),
            }
        })
    }

    /// What the operator should look at.
    pub fn alarms(&self, now: Now) -> Vec<String> {
        let failed = self.failures.iter().map(|(service, failures)| {
            let left = duration::format(Duration::from_secs(failures.until.saturating_sub(now.unix_ms) / 1000));
            let what = match self.certificates.contains_key(service) {
                true => "is not renewed",
                false if self.daemon == Daemon::Nameserver => {
                    "cannot be ordered, and clients over TLS, HTTPS and QUIC who need it are refused"
                }
                false => "cannot be ordered, and its visitors over https are refused",
            };
            let hint = match (failures.cause, self.daemon) {
                (Cause::Unasked, _) => "",
                (Cause::Refused, Daemon::Proxy) => {
                    "; if the CA finds something else there than this fleet, look at the names' addresses in DNS and at port 80"
                }
                (Cause::Refused, Daemon::Nameserver) => {
                    "; if the CA finds something else than was told, look at which nameservers the names are delegated to: each has to be a \
                     peer of this one, or this one"
                }
            };
            format!(
                "the certificate of {service} {what}: {} ({} orders in a row, the last by {}); tried again in {left}{hint}",
                printable(&failures.why),
                failures.count,
                printable(&failures.by)
            )
        });
        let unwritten = self.disk.failure().map(|why| {
            format!("what was ordered from the CA is not on disk: {why}; it is not in force before that, and the write is tried again every 2 s")
        });
        failed.chain(unwritten).collect()
    }
}
