//! The hands of what orders certificates: the conversation with the CA, the disk, and certificates that come into force.

use std::sync::Arc;

use crate::proxy::acme::client::{Client, ask_renewal};
use crate::proxy::acme::schedule::Cause;
use crate::proxy::acme::steps::{Effect, Event, File, OrderFailure};
use crate::proxy::acme::{desired, store};
use crate::proxy::control::prepared::Prepared;

use super::certificates::take_renewed;
use super::nameservers::Nameservers;

/// What is under way.
#[derive(Default)]
pub(super) struct Acme {
    client: Client,
    /// Told what the CA is to find by dns-01.
    pub(super) nameservers: Nameservers,
}

impl Acme {
    /// Does it, and reports what comes of it.
    pub(super) fn perform(
        &mut self,
        effect: Effect,
        prepared: &Arc<Prepared>,
        report: impl Fn(Event) + Send + Sync + 'static,
    ) {
        match effect {
            Effect::Order(request) => self.client.order(*request, report),
            Effect::GoOn(ticket) => self.client.go_on(ticket),
            Effect::Cancel => self.client.cancel(),
            Effect::PublishRecords(records) => self.nameservers.publish(records, report),
            Effect::AskRenewal { service, issued, ca, account } => ask_renewal(service, issued, ca, account, report),
            Effect::Write(file, content) => {
                let (folder, tls) = (desired::folder(&prepared.document.state_dir), prepared.settings.tls.clone());
                tokio::task::spawn_blocking(move || {
                    let written = store::write(&folder, &file, &content).map_err(|error| error.to_string());
                    if let (Ok(()), File::Certificate(_), Some(tls)) = (&written, &file, tls) {
                        take_renewed(&tls);
                    }
                    report(Event::Written(file, written));
                });
            }
            Effect::Remove(service) => {
                let folder = desired::folder(&prepared.document.state_dir);
                tokio::task::spawn_blocking(move || {
                    if let Err(error) = store::remove(&folder, &service) {
                        tracing::error!("{error}; remove it by hand: it holds a private key that is no longer used");
                    }
                });
            }
            // The caller's.
            Effect::Log(..) => {}
        }
    }

    /// Does not do it, for another process is taking over, and says so at once: should it not take over after all, everything is
    /// tried again.
    pub(super) fn refuse(&mut self, effect: Effect, report: impl Fn(Event)) {
        let why = "another process is taking over";
        let failure = || OrderFailure::without_retry_after(Cause::Unasked, why);
        match effect {
            Effect::Order(request) => report(Event::Ended(request.ticket, Err(failure()))),
            Effect::GoOn(ticket) => {
                self.client.cancel();
                report(Event::Ended(ticket, Err(failure())));
            }
            Effect::Cancel => self.client.cancel(),
            Effect::PublishRecords(records) if records.is_empty() => {}
            Effect::PublishRecords(records) => report(Event::RecordsPublished(records, Err(why.to_owned()))),
            Effect::AskRenewal { service, issued, .. } => {
                report(Event::Suggested { service, number: issued.number(), answer: None });
            }
            Effect::Write(file, _) => report(Event::Written(file, Err(why.to_owned()))),
            // The other one finds it, too.
            Effect::Remove(_) => {}
            // The caller's.
            Effect::Log(..) => {}
        }
    }
}

#[cfg(test)]
mod tests;
