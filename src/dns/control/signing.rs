//! When zones and pools' answers are signed anew (pure).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::ahead::{AheadOrder, PoolsOrder, SignedAhead};
use super::prepared::AtHand;
use super::{Effect, State};
use crate::config::dns::PoolConfig;
use crate::daemon::clock::Now;
use crate::dns::compiled::Zone;
use crate::dns::pool::near;
use crate::dns::signing::{Moment, ZoneSigner, hour_of};
use crate::dns::snapshot::PoolAnswer;
use crate::zone::serial::is_newer;

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
    /// The pools that have names in them, if any has.
    pub pools: Option<PoolsOrder>,
}

impl SigningOrder {
    /// Does it: signs each zone by `sign` for the hour, and then what pools may be answered with in it.
    pub fn perform(self, sign: impl Fn(&Zone, &ZoneSigner, u64) -> Option<Arc<Zone>>) -> SignedZones {
        let SigningOrder { hour, zones, pools } = self;
        let signed = zones.into_iter().map(|(zone, signer)| (sign(&zone, &signer, hour).unwrap_or(zone), signer));
        let zones: Vec<_> = signed.collect();
        let ahead = pools.map(|pools| pools.perform(&zones, hour));
        SignedZones { hour, zones, ahead }
    }
}

/// Zones that have been signed.
#[derive(Debug)]
pub struct SignedZones {
    /// For this hour.
    pub hour: u64,
    /// The zones, with what has signed them; one that could not be signed is as it was.
    pub zones: Vec<(Arc<Zone>, Arc<ZoneSigner>)>,
    /// What pools may be answered with from then on.
    pub ahead: Option<SignedAhead>,
}

impl State {
    /// For which hour everything is signed, in seconds since the epoch.
    pub(in crate::dns) fn signed_for(&self) -> u64 {
        self.signed_for
    }

    /// Another document, with its zones signed, is in force.
    pub(super) fn reload_signing(&mut self) {
        (self.signing_for, self.signed_for) = (None, hour_of(self.document.signed_at));
        self.aheads.note_reload();
        self.take_prepared();
        // What was signed for a later hour while it was read had been served with other content than it will have: of what leads from there nobody is told.
        let went_back = self.document.signers.iter().filter_map(|signer| {
            let (new, served) = (self.document.zones.get(signer.apex())?, self.zones.get(signer.apex())?);
            is_newer(served.serial, new.serial).then(|| Arc::new(new.without_history()))
        });
        let went_back: Vec<_> = went_back.collect();
        self.document.renew(went_back);
    }

    /// Orders what another hour wants signed anew: a later one, or one that is much earlier, for a clock that was ahead. What pools may be answered with in it
    /// comes together with the zones: until then all is answered as in the hour before, whose signatures are good for days yet, and from then on all as in this one. So no
    /// flip waits for a signature, and what is answered follows from the hour alone, and not from who has flipped when.
    pub(super) fn look_at_signatures(&mut self, now: Now) -> Option<Effect> {
        let hour = hour_of(now.unix_ms / 1000);
        let is_wanted = hour > self.signed_for || hour + TOLERANCE < self.signed_for;
        if self.document.signers.is_empty() || !is_wanted || self.signing_for.is_some() {
            return None;
        }
        self.signing_for = Some(hour);
        let zones = self.signed_zones();
        let pools = self.pools_to_sign(&zones);
        Some(Effect::Sign(SigningOrder { hour, zones, pools }))
    }

    /// The zones that are signed here, as they are served, with what signs them.
    pub(super) fn signed_zones(&self) -> Vec<(Arc<Zone>, Arc<ZoneSigner>)> {
        let served = |signer: &Arc<ZoneSigner>| Some((Arc::clone(self.zones.get(signer.apex())?), Arc::clone(signer)));
        self.document.signers.iter().filter_map(served).collect()
    }

    /// Zones have been signed. What was ordered for a document from before is not taken.
    pub(super) fn take_signed(&mut self, SignedZones { hour, zones, ahead }: SignedZones) {
        if self.signing_for != Some(hour) {
            return;
        }
        let of_document = |(zone, signer): &(Arc<Zone>, Arc<ZoneSigner>)| {
            let own = self.document.signers.of(&zone.apex).zip(self.document.zones.get(&zone.apex));
            own.is_some_and(|(own, document)| Arc::ptr_eq(own, signer) && document.has_the_names_of(zone))
        };
        let signed: Vec<_> = zones.into_iter().filter(of_document).map(|(zone, _)| zone).collect();
        self.document.renew(signed);
        (self.signing_for, self.signed_for, self.have_zones_changed) = (None, hour, true);
        if let Some(ahead) = ahead {
            self.take_made(ahead);
        }
    }

    /// When the next hour begins, if there is something to sign.
    pub(super) fn signing_wakes(&self, now: Now) -> Option<Duration> {
        let begins = (self.signed_for + HOUR) * 1000;
        let waits = !self.document.signers.is_empty() && self.signing_for.is_none();
        waits.then(|| now.running + Duration::from_millis(begins.saturating_sub(now.unix_ms)).min(LOOKS_AT_CLOCK))
    }

    /// Takes what was signed of the pools with the document.
    pub(super) fn take_prepared(&mut self) {
        let prepared = Arc::clone(&self.document.at_hand.load().prepared);
        self.signed_pools.take_prepared(prepared);
    }

    /// Keeps up what the next document is made ready with.
    pub(super) fn keep_at_hand(&self) {
        let answered = self.choices.iter().map(|(name, chosen)| (name.clone(), chosen.addresses().copied().collect()));
        let (answered, [ahead, prepared]) = (answered.collect(), self.signed_pools.at_hand());
        self.document.at_hand.store(Arc::new(AtHand { answered, ahead, prepared }));
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
        let are_same = Arc::ptr_eq(&self.snapshot.zones, &zones);
        if !signed.is_empty() {
            self.signed_pools.sign(answers, if are_same { &self.snapshot.pools } else { &[] }, &signed);
        }
    }

    /// Whether what pools may be answered with next is to be signed, and when.
    pub(super) fn ahead_wakes(&self) -> Option<Duration> {
        self.aheads.begins().filter(|_| self.ready && !self.draining)
    }

    /// Orders the signatures of what pools may be answered with next, if it is time.
    pub(super) fn look_ahead(&mut self, now: Now) -> Option<Effect> {
        if self.draining || !self.aheads.is_due(now) {
            return None;
        }
        let zones = self.signed_zones();
        let pools = self.pools_to_sign(&zones);
        self.aheads.begin(pools.is_some(), now);
        let hour = self.signed_for;
        pools.map(|pools| Effect::SignAhead(Box::new(AheadOrder { pools, zones, hour })))
    }

    /// They have been made.
    pub(super) fn take_ahead(&mut self, signed: SignedAhead) {
        self.aheads.end();
        self.take_made(signed);
    }

    /// Signatures have been made ahead. Of those of another hour than the present one none is as it would be made now; those of a document from before may be good still.
    fn take_made(&mut self, SignedAhead { ahead, document, hour }: SignedAhead) {
        if hour != self.signed_for {
            return;
        }
        match Arc::ptr_eq(&document, &self.document) {
            true => {
                self.aheads.note_made(ahead.is_all, hour);
                self.signed_pools.take_ahead(Arc::new(ahead.made));
            }
            false => self.signed_pools.take_from_before(Arc::new(ahead.made)),
        }
        self.keep_at_hand();
    }

    /// What pools may be answered with next, if any has a name in these zones.
    fn pools_to_sign(&self, zones: &[(Arc<Zone>, Arc<ZoneSigner>)]) -> Option<PoolsOrder> {
        let is_anything_there = zones.iter().any(|(zone, _)| zone.pool_names().next().is_some());
        let pools = self.document.config.pools.iter();
        is_anything_there.then(|| PoolsOrder {
            document: Arc::clone(&self.document),
            present: pools.map(|(name, config)| self.present(name, config)).collect(),
            before: self.signed_pools.at_hand(),
        })
    }

    /// What clients of a pool get, everywhere and in the locations of its members.
    fn present(&self, name: &str, config: &PoolConfig) -> Vec<Vec<IpAddr>> {
        let Some(chosen) = self.choices.get(name) else { return Vec::new() };
        let near = near::locations(config).into_iter().map(|location| self.near((name, config), location, chosen));
        [chosen.addresses().copied().collect()].into_iter().chain(near).collect()
    }
}
