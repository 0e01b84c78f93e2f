//! When zones and pools' answers are signed anew (pure).

use std::sync::Arc;
use std::time::Duration;

use super::{Effect, State};
use crate::daemon::clock::Now;
use crate::dns::compiled::Zone;
use crate::dns::signing::{Moment, ZoneSigner, hour_of};
use crate::dns::snapshot::PoolAnswer;

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
    /// The zones.
    pub zones: Vec<Arc<Zone>>,
}

impl State {
    /// For which hour everything is signed, in seconds since the epoch.
    pub(in crate::dns) fn signed_for(&self) -> u64 {
        self.signed_for
    }

    /// Another document, with its zones signed, is in force.
    pub(super) fn reload_signing(&mut self) {
        self.renewed.clear();
        self.signed_for = hour_of(self.document.signed_at);
    }

    /// Orders what another hour wants signed anew.
    pub(super) fn look_at_signatures(&mut self, now: Now) -> Option<Effect> {
        let hour = hour_of(now.unix_ms / 1000);
        if self.document.signers.is_empty() || hour <= self.signed_for {
            return None;
        }
        self.signed_for = hour;
        let served = |signer: &Arc<ZoneSigner>| Some((Arc::clone(self.zones.get(signer.apex())?), Arc::clone(signer)));
        let zones = self.document.signers.iter().filter_map(served).collect();
        Some(Effect::Sign(SigningOrder { hour, zones }))
    }

    /// Zones have been signed.
    pub(super) fn take_signed(&mut self, SignedZones { hour, zones }: SignedZones) {
        if hour != self.signed_for {
            return;
        }
        // A document that came meanwhile has zones of its own.
        let of_document =
            |zone: &Arc<Zone>| self.document.zones.get(&zone.apex).is_some_and(|own| own.has_the_names_of(zone));
        let signed: Vec<_> = zones.into_iter().filter(of_document).map(|zone| (zone.apex.clone(), zone)).collect();
        self.renewed.extend(signed);
        self.have_zones_changed = true;
    }

    /// When the next hour begins, if there is something to sign.
    pub(super) fn signing_wakes(&self, now: Now) -> Option<Duration> {
        let left = (self.signed_for + 3600) * 1000 - now.unix_ms.min((self.signed_for + 3600) * 1000);
        (!self.document.signers.is_empty()).then(|| now.running + Duration::from_millis(left))
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
