//! Members that are found down one after the other, and leave the answer together (pure).
//!
//! A site that fails as a whole is found down member by member, each in its own rhythm. Answers that shrink with each of them send
//! all visitors to fewer and fewer members that are dead as well, and in the end there is no answer to keep. So whoever is found down is
//! answered until every other member that is up has been borne out by a probe that began later, or was found down too; and no longer than
//! a check needs for that. The others are probed at once: on a healthy fleet that takes one round trip.

use std::net::IpAddr;
use std::time::Duration;

/// Members of one family that have been found down and are answered still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Falling {
    /// When the first of them was found down.
    since: Duration,
    addresses: Vec<IpAddr>,
}

/// How the addresses of one family are.
#[derive(Debug, Clone, Copy)]
pub struct Now<'n> {
    /// Those that are answered, since checks have found them up.
    pub answered: &'n [IpAddr],
    /// Those that are up, and that the operator wants.
    pub up: &'n [IpAddr],
    /// Those that are down, and that the operator wants.
    pub down: &'n [IpAddr],
    /// In which time a check finds a member down that has died.
    pub bound: Duration,
    /// The present time.
    pub running: Duration,
}

impl Falling {
    /// Judges anew what is held; `is_borne_out`: whether a probe that began at that time or later has found an address up.
    pub fn judge(
        before: Option<&Falling>,
        now: &Now<'_>,
        is_borne_out: impl Fn(IpAddr, Duration) -> bool,
    ) -> Option<Falling> {
        let has_fallen = |address: &&IpAddr| now.down.contains(address);
        let addresses: Vec<IpAddr> = now.answered.iter().filter(has_fallen).copied().collect();
        let since = before.map_or(now.running, |before| before.since);
        let is_known = now.up.iter().all(|address| is_borne_out(*address, since));
        let is_over = addresses.is_empty() || is_known || now.running >= since + now.bound;
        (!is_over).then_some(Falling { since, addresses })
    }

    /// The addresses that are answered for it.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }
}

#[cfg(test)]
mod tests;
