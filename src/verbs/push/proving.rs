//! What proves a host of this fleet: the probes that its documents ask for.

use std::time::Duration;

use crate::fleet::Fleet;
use crate::push::prove::{Asker, Proof, probes};
use crate::push::rollout::Prove;

/// Proves hosts by the documents of the fleet that is pushed.
pub(super) struct Proving<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) asker: Asker<'a>,
    /// How long a host may take until it serves as before.
    pub(super) patience: Duration,
}

/// What a proof takes besides: a last round of questions, and the confirmation's own connection.
const MARGIN: Duration = Duration::from_secs(15);

impl Proving<'_> {
    /// How long the proof of a host may take, its confirmation included.
    pub(super) fn longest(&self, host: &str) -> Duration {
        self.patience + probes(self.fleet, host).steady * 2 + MARGIN
    }
}

impl Prove for Proving<'_> {
    fn look<'a>(&'a self, host: &'a str) -> Box<dyn FnOnce() -> Vec<String> + Send + 'a> {
        let proof = Proof::begin(&self.asker, probes(self.fleet, host));
        Box::new(move || proof.conclude(self.patience))
    }
}
