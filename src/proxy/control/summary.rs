//! How a proxy is, in one line for `systemctl status` (pure).

use super::State;
use crate::counted::counted;
use crate::health::Verdict;
use crate::proxy::latch::Keeper;

/// Latches that it names.
const SUMMED_UP: usize = 16;

impl State {
    /// One line for `systemctl status`.
    pub fn summary(&self) -> String {
        let backends = || self.snapshot.services.iter().flat_map(|service| &service.backends);
        let up = backends().filter(|backend| backend.verdict == Verdict::Up).count();
        let latched = || self.prepared.services.iter().filter(|service| service.rules().is_some());
        let latches =
            latched().take(SUMMED_UP).map(|service| match self.latches.get(&service.name).and_then(Keeper::latch) {
                Some(latch) => format!(", {} on {} (epoch {})", service.name, latch.active, latch.epoch),
                None => format!(", {} undecided: not ready", service.name),
            });
        let (services, all) = (self.snapshot.fronts.len(), backends().count());
        let latches: String = latches.collect();
        let more = match latched().count().saturating_sub(SUMMED_UP) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        format!(
            "{}, {up} of {all} backends up{latches}{more}; generation {}",
            counted(services, "service"),
            self.snapshot.generation
        )
    }
}
