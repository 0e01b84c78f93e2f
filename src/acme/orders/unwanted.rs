//! Certificates of services that have left the document (pure).
//!
//! A service may be back tomorrow, and then has its certificate still; a key that nobody uses is not to lie about for years.

use std::time::Duration;

use super::Orders;
use crate::acme::steps::{Effect, File};
use crate::daemon::clock::Now;
use crate::log_line::{Kind, LogLine};

/// How long a certificate is kept for which no service asks.
const GRACE: Duration = Duration::from_secs(30 * 86_400);

impl Orders {
    /// Notes which certificates nobody wants now, and has those removed that nobody has wanted for long.
    pub(super) fn forget_unwanted(&mut self, now: Now) -> Vec<Effect> {
        let Orders { desired, certificates, unwanted, .. } = self;
        let mut has_changed = false;
        for service in certificates.keys().filter(|service| !desired.contains_key(*service)) {
            has_changed |= !unwanted.contains_key(service);
            unwanted.entry(service.clone()).or_insert(now.unix_ms);
        }
        let grace = GRACE.as_millis() as u64;
        let mut gone = Vec::new();
        unwanted.retain(|service, since| {
            // The clock may have been ahead, or it is not known.
            has_changed |= *since > now.unix_ms;
            *since = (*since).min(now.unix_ms);
            let is_over = *since + grace <= now.unix_ms;
            let is_wanted = desired.contains_key(service);
            if is_over && !is_wanted {
                gone.push(service.clone());
            }
            has_changed |= is_over || is_wanted;
            !is_over && !is_wanted
        });
        if has_changed {
            self.disk.changed(File::Unwanted);
        }
        let removed = gone.into_iter().flat_map(|service| {
            self.certificates.remove(&service);
            let days = GRACE.as_secs() / 86_400;
            let line = format!(
                "the certificate of {service}, which the document has not asked for in {days} days, is removed"
            );
            [Effect::Log(LogLine::info(Kind::Certificate, line).about(&service)), Effect::Remove(service)]
        });
        removed.collect()
    }
}
