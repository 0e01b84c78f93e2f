//! What the operator sees of orders (pure).

use std::time::Duration;

use super::Orders;
use crate::acme::schedule::Cause;
use crate::acme::steps::Standing;
use crate::config::duration;
use crate::daemon::clock::Now;
use crate::printable::printable;

impl Orders {
    /// How the order of each desired certificate stands.
    pub fn standings(&self, ready: bool, now: Now) -> impl Iterator<Item = Standing> {
        let orderer = self.orderer(ready, now).map(str::to_owned);
        self.desired.keys().map(move |service| {
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
                false => "cannot be ordered, and its visitors over https are refused",
            };
            let hint = match failures.cause {
                Cause::Unasked => "",
                Cause::Refused => "; if the CA finds something else there than this fleet, look at the names' addresses in DNS and at port 80",
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
