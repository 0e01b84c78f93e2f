//! The hands of what orders certificates: those that both daemons have, our nameservers, and certificates that come into force.

use std::sync::Arc;

use crate::acme::desired;
use crate::acme::hands::Hands;
use crate::acme::steps::{Effect, Event};
use crate::proxy::control::prepared::Prepared;

use super::certificates::take_renewed;
use super::nameservers::Nameservers;

/// What is under way.
#[derive(Default)]
pub(super) struct Acme {
    hands: Hands,
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
        if let Effect::PublishRecords(records) = effect {
            return self.nameservers.publish(records, report);
        }
        let (folder, tls) = (desired::folder(&prepared.document.state_dir), prepared.settings.tls.clone());
        let take_renewed = move || tls.iter().for_each(|tls| take_renewed(tls));
        self.hands.perform(effect, folder, take_renewed, report);
    }

    /// Does not do it, for another process is taking over, and says so.
    pub(super) fn refuse(&mut self, effect: Effect, report: impl Fn(Event)) {
        self.hands.refuse(effect, report);
    }
}
