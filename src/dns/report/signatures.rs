//! For how long signatures of zones are good still, and with how much left they should have been renewed: alarms and alert rules go by the same.

use crate::api::dns::{GivenBy, refresh};
use crate::daemon::clock::Now;
use crate::dns::compiled::Life;
use crate::dns::control::State;
use crate::zone::name;

/// The part of its life with which the end of a signature is near: one of so many.
const ENDING: u64 = 10;

/// The times of the signature of a zone that runs out first, in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignatureTimes {
    /// The zone, without the final dot.
    pub(super) apex: String,
    /// When it runs out, in seconds since the epoch; none: the zone has no signature.
    pub(super) expires: Option<u64>,
    /// From when on all signatures are good, in seconds since the epoch, where some are not good yet.
    pub(super) early: Option<u64>,
    /// For how long it is good still; 0: it has run out, there is none, or one is not good yet.
    pub(super) left: u64,
    /// For how long it is good in all.
    pub(super) lifetime: u64,
    /// How much of that is left when it should have been renewed.
    pub(super) refresh: u64,
}

impl SignatureTimes {
    fn new(apex: String, expires: Option<u64>, lifetime: u64, given_by: Option<GivenBy>, now: Now) -> SignatureTimes {
        let left = expires.unwrap_or_default().saturating_sub(now.unix_ms / 1000);
        let refresh = refresh(lifetime, given_by);
        SignatureTimes { apex, expires, early: None, left, lifetime, refresh }
    }

    /// The same, and all are good from then on.
    fn good_from(self, from: u64, now: Now) -> SignatureTimes {
        match from > now.unix_ms / 1000 {
            true => SignatureTimes { early: Some(from), left: 0, ..self },
            false => self,
        }
    }

    /// Whether it should have been renewed.
    pub(super) fn is_overdue(&self) -> bool {
        self.left < self.refresh
    }

    /// Whether its end is near.
    pub(super) fn is_ending(&self) -> bool {
        self.left < self.lifetime / ENDING
    }
}

impl State {
    /// Of each zone that is served, and is to be signed here or comes signed.
    pub(super) fn signature_times(&self, now: Now) -> impl Iterator<Item = SignatureTimes> {
        self.times_of_signed(now).chain(self.times_of_given(now))
    }

    /// Of each zone that is to be signed here.
    pub(super) fn times_of_signed(&self, now: Now) -> impl Iterator<Item = SignatureTimes> {
        let zones = self.document.config.zones.iter();
        let to_be_signed = zones.filter_map(|(apex, zone)| Some((apex, zone.dnssec.as_ref()?.lifetime.as_secs())));
        to_be_signed.filter_map(move |(apex, lifetime)| {
            // One whose file came signed meanwhile is answered as it came: a start cannot refuse it.
            let served = self.zones.get(&name::from_text(apex)?).filter(|served| !served.is_presigned())?;
            let expires = served.signatures().and_then(|signatures| signatures.expires());
            Some(SignatureTimes::new(apex.clone(), expires, lifetime, None, now))
        })
    }

    /// Of each zone that comes signed.
    pub(super) fn times_of_given(&self, now: Now) -> impl Iterator<Item = SignatureTimes> {
        let presigned = self.zones.iter().filter(|zone| zone.is_presigned());
        presigned.filter_map(move |zone| {
            let signatures = zone.signatures()?;
            let Life { expires, begins } = signatures.first_life()?;
            let (apex, lifetime) = (name::to_text(&zone.apex), expires.saturating_sub(begins));
            let given_by = self.given_by(&apex);
            let times = SignatureTimes::new(apex, Some(expires), lifetime, Some(given_by), now);
            Some(times.good_from(signatures.good_from(), now))
        })
    }
}
