//! The hands of what orders certificates, on the control thread: the conversation with the CA, and the disk.
//!
//! Must never: decide when there is an order. What the CA is to find by dns-01 is each daemon's own to bring about.

use std::path::PathBuf;

use super::client::{Client, ask_renewal};
use super::schedule::Cause;
use super::steps::{Effect, Event, File, OrderFailure};
use super::store;

/// What is under way.
#[derive(Debug, Default)]
pub struct Hands(Client);

impl Hands {
    /// Does it, and reports what comes of it. What is written goes to `folder`; `take_renewed` puts in force what has been written of a
    /// certificate.
    pub fn perform(
        &mut self,
        effect: Effect,
        folder: PathBuf,
        take_renewed: impl FnOnce() + Send + 'static,
        report: impl Fn(Event) + Send + Sync + 'static,
    ) {
        match effect {
            Effect::Order(request) => self.0.order(*request, report),
            Effect::GoOn(ticket) => self.0.go_on(ticket),
            Effect::Cancel => self.0.cancel(),
            Effect::AskRenewal { service, issued, ca, account } => ask_renewal(service, issued, ca, account, report),
            Effect::Write(file, content) => {
                tokio::task::spawn_blocking(move || {
                    let written = store::write(&folder, &file, &content).map_err(|error| error.to_string());
                    if let (Ok(()), File::Certificate(_)) = (&written, &file) {
                        take_renewed();
                    }
                    report(Event::Written(file, written));
                });
            }
            Effect::Remove(service) => {
                tokio::task::spawn_blocking(move || {
                    if let Err(error) = store::remove(&folder, &service) {
                        tracing::error!("{error}; remove it by hand: it holds a private key that is no longer used");
                    }
                });
            }
            // The caller's.
            Effect::PublishRecords(_) | Effect::Log(_) => {}
        }
    }

    /// Does not do it, for another process is taking over, and says so at once: should it not take over after all, everything is
    /// tried again.
    pub fn refuse(&mut self, effect: Effect, report: impl Fn(Event)) {
        let why = "another process is taking over";
        let failure = || OrderFailure::without_retry_after(Cause::Unasked, why);
        match effect {
            Effect::Order(request) => report(Event::Ended(request.ticket, Err(failure()))),
            Effect::GoOn(ticket) => {
                self.0.cancel();
                report(Event::Ended(ticket, Err(failure())));
            }
            Effect::Cancel => self.0.cancel(),
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
