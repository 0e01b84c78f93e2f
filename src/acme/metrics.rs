//! The metrics of certificates, which both daemons have where they show any.

use super::orders::Orders;
use crate::daemon::clock::Now;
use crate::daemon::metrics::exposition::Page;
use crate::daemon::metrics::family::families;
use crate::tls::certificates::Slot;

families! {
    /// Those of certificates.
    FAMILIES:
    CERTIFICATE_EXPIRY = Gauge "polder_certificate_expiry_timestamp_seconds" ["file"] "When the certificate in force ends, in seconds since 1970; absent where none can be used.";
    CERTIFICATE_LIFETIME = Gauge "polder_certificate_lifetime_seconds" ["file"] "From the beginning to the end of that certificate, in seconds.";
    ACME_ORDERS = Counter "polder_acme_orders_total" ["result" "`issued`, `failed`"] "Orders of certificates that this daemon has ended.";
    ACME_ORDERER = Gauge "polder_acme_orderer" [] "1 if this daemon is the one that orders certificates, of those that it hears.";
    ACME_RENEWAL = Gauge "polder_acme_renewal_timestamp_seconds" ["service"] "When the certificate of this service (of a nameserver: the one with this name) is to be renewed, in seconds since 1970; absent before it is issued.";
    ACME_FAILING = Gauge "polder_acme_failing" ["service"] "1 if the last order of the certificate of this service (of a nameserver: the one with this name) failed.";
}

/// Writes them: of the certificates that are shown, and of the orders of a daemon that is ready or not.
pub fn write<'s>(page: &mut Page, shown: impl Iterator<Item = &'s Slot>, orders: &Orders, ready: bool, now: Now) {
    let in_force = shown.filter_map(|slot| Some((slot.files.chain_file.to_string_lossy(), slot.certificate()?)));
    let in_force: Vec<_> = in_force.collect();
    let mut metric = page.metric(CERTIFICATE_EXPIRY);
    for (file, certificate) in &in_force {
        metric.sample(&[("file", file)], certificate.chain.ends.as_secs());
    }
    let mut metric = page.metric(CERTIFICATE_LIFETIME);
    for (file, certificate) in &in_force {
        let lifetime = certificate.chain.ends.saturating_sub(certificate.chain.begins);
        metric.sample(&[("file", file)], lifetime.as_secs());
    }
    let standings: Vec<_> = orders.standings(ready, now).collect();
    if standings.is_empty() {
        return;
    }
    let (issued, failed) = orders.ended();
    let mut metric = page.metric(ACME_ORDERS);
    metric.sample(&[("result", "issued")], issued);
    metric.sample(&[("result", "failed")], failed);
    let is_ours = standings.iter().any(|standing| standing.orderer.as_deref() == Some(orders.own()));
    page.metric(ACME_ORDERER).flag(&[], is_ours);
    let mut metric = page.metric(ACME_RENEWAL);
    for standing in &standings {
        if let Some(renewal) = standing.renewal {
            metric.sample(&[("service", &standing.service)], renewal / 1000);
        }
    }
    let mut metric = page.metric(ACME_FAILING);
    for standing in &standings {
        metric.flag(&[("service", &standing.service)], standing.error.is_some());
    }
}
