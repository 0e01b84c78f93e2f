//! When zones and pools' answers are signed anew (pure).

use std::sync::Arc;
use std::time::Duration;

use super::{Effect, State};
use crate::daemon::clock::Now;
use crate::dns::compiled::Zone;
use crate::dns::signing::{Moment, ZoneSigner, hour_of};
use crate::dns::snapshot::PoolAnswer;

/// In seconds.
const HOUR: u64 = 3600;

/// By how much what is served may be ahead of the clock, in seconds: one that trembles about a full hour has nothing signed twice.
const TOLERANCE: u64 = HOUR;

/// How often is looked whether the clock has been set.
const LOOKS_AT_CLOCK: Duration = Duration::from_secs(60);

/// Zones that are to be signed for an hour; answered with [`SignedZones`].
#[derive(Debug)]
pub struct SigningOrder {
    /// The hour's beginning, in seconds since the epoch.
    pub hour: u64,
    /// The zones, as they are served, with what signs them.
    pub zones: Vec<(Arc<Zone>, Arc<ZoneSigner>)>,
}

/// Zones that have been signed.
#[derive(Debug)]
pub struct SignedZones {
    /// For this hour.
    pub hour: u64,
    /// The zones, with what has signed them.
    pub zones: Vec<(Arc<Zone>, Arc<ZoneSigner>)>,
}

impl State {
    /// For which hour everything is signed, in seconds since the epoch.
    pub(in crate::dns) fn signed_for(&self) -> u64 {
        self.signed_for
    }

    /// Another document, with its zones signed, is in force.
    pub(super) fn reload_signing(&mut self) {
        self.renewed.clear();
        self.signing_for = None;
        self.signed_for = hour_of(self.document.signed_at);
    }

    /// Orders what another hour wants signed anew: a later one, or one that is much earlier, for a clock that was ahead.
    pub(super) fn look_at_signatures(&mut self, now: Now) -> Option<Effect> {
        let hour = hour_of(now.unix_ms / 1000);
        let is_wanted = hour > self.signed_for || hour + TOLERANCE < self.signed_for;
        if self.document.signers.is_empty() || !is_wanted || self.signing_for.is_some() {
            return None;
        }
        self.signing_for = Some(hour);
        let served = |signer: &Arc<ZoneSigner>| Some((Arc::clone(self.zones.get(signer.apex())?), Arc::clone(signer)));
        let zones = self.document.signers.iter().filter_map(served).collect();
        Some(Effect::Sign(SigningOrder { hour, zones }))
    }

    /// Zones have been signed. What was ordered for a document from before is not taken.
    pub(super) fn take_signed(&mut self, SignedZones { hour, zones }: SignedZones) {
        if self.signing_for != Some(hour) {
            return;
        }
        let of_document = |(zone, signer): &(Arc<Zone>, Arc<ZoneSigner>)| {
            let own = self.document.signers.of(&zone.apex).zip(self.document.zones.get(&zone.apex));
            own.is_some_and(|(own, document)| Arc::ptr_eq(own, signer) && document.has_the_names_of(zone))
        };
        let signed = zones.into_iter().filter(of_document).map(|(zone, _)| (zone.apex.clone(), zone));
        let signed: Vec<_> = signed.collect();
        self.renewed.extend(signed);
        (self.signing_for, self.signed_for, self.have_zones_changed) = (None, hour, true);
    }

    /// When the next hour begins, if there is something to sign.
    pub(super) fn signing_wakes(&self, now: Now) -> Option<Duration> {
        let begins = (self.signed_for + HOUR) * 1000;
        let waits = !self.document.signers.is_empty() && self.signing_for.is_none();
        waits.then(|| now.running + Duration::from_millis(begins.saturating_sub(now.unix_ms)).min(LOOKS_AT_CLOCK))
    }

    /// Signs what pools are answered with.
    pub(super) fn sign_pools(&mut self, answers: &mut [PoolAnswer]) {
        let document = Arc::clone(&self.document);
        let zones = Arc::clone(&self.zones);
        let signed = document.signers.iter().filter_map(|signer| {
            let zone = zones.get(signer.apex()).filter(|zone| zone.signatures().is_some())?;
            Some((&**zone, signer.at(self.signed_for)))
        });
        let signed: Vec<(&Zone, Moment<'_>)> = signed.collect();
        if !signed.is_empty() {
            self.signed_pools.sign(answers, &signed);
        }
    }
}
