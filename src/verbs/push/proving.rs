//! What proves a host of this fleet: the probes that its documents ask for.

use std::time::Duration;

use crate::fleet::Fleet;
use crate::push::rollout::Prove;
use crate::push::rollout::prove::{Asker, Proof, probes};

/// Proves hosts by the documents of the fleet that is pushed.
pub(super) struct Proving<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) asker: Asker<'a>,
    /// How long a host may take until it serves as before.
    pub(super) patience: Duration,
}

/// What a proof takes besides: its questions, and the confirmation's own connection.
const MARGIN: Duration = Duration::from_secs(5);

impl Proving<'_> {
    /// How long the proof of a host takes at least: the checks of whoever watches it may be slow. A shorter trial would end
    /// before any host could be confirmed.
    pub(super) fn least(&self, host: &str) -> Duration {
        probes(self.fleet, host).steady + MARGIN
    }
}

impl Prove for Proving<'_> {
    fn look<'a>(&'a self, host: &'a str) -> Box<dyn FnOnce() -> Vec<String> + Send + 'a> {
        let proof = Proof::begin(&self.asker, probes(self.fleet, host));
        Box::new(move || proof.conclude(self.patience))
    }
}
