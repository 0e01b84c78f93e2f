//! Which addresses a pool answers with (pure): members that are up and ready, or what `when_all_down` says.

use std::net::IpAddr;

use crate::api::operator::OperatorState;
use crate::config::dns::{MemberConfig, PoolConfig, WhenAllDown};
use crate::health::Verdict;

/// A and AAAA are judged apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// A.
    V4,
    /// AAAA.
    V6,
}

impl Family {
    /// Both.
    pub const BOTH: [Family; 2] = [Family::V4, Family::V6];

    /// Whether an address is of it.
    pub fn has(self, address: &IpAddr) -> bool {
        address.is_ipv4() == (self == Family::V4)
    }
}

/// What is known of a pool's members at one moment.
pub trait Known {
    /// What checks say of an address.
    fn verdict(&self, address: IpAddr) -> Verdict;

    /// What the operator says of a member.
    fn operator(&self, member: &str) -> OperatorState;
}

/// What an RRset of a pool is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// The addresses, in the order of the document.
    pub addresses: Vec<IpAddr>,
    /// Set where no member was up and `when_all_down` decided: what it said.
    pub all_down: Option<&'static str>,
}

/// Chooses the addresses of one family. `last` is the last choice with a member that was up.
///
/// A member set to drain or maint is in no choice, and an address that is not checked yet is in none either: when
/// all are down, that is doubt about the checks, but what was never checked is doubted by nobody.
pub fn choose(pool: &PoolConfig, family: Family, known: &impl Known, last: &[IpAddr]) -> Choice {
    let configured: Vec<IpAddr> = of_family(pool.members.values(), family).collect();
    if configured.is_empty() {
        return Choice::default();
    }
    let ready = pool.members.iter().filter(|(name, _)| known.operator(name) == OperatorState::Ready);
    let ready: Vec<IpAddr> = of_family(ready.map(|(_, member)| member), family).collect();
    let with = |verdict: Verdict| ready.iter().copied().filter(move |address| known.verdict(*address) == verdict);
    let up: Vec<IpAddr> = with(Verdict::Up).collect();
    if !up.is_empty() {
        return Choice { addresses: up, all_down: None };
    }
    let down: Vec<IpAddr> = with(Verdict::Down).collect();
    let (addresses, policy) = match &pool.when_all_down {
        WhenAllDown::All => (down, "all"),
        WhenAllDown::Last => {
            let kept: Vec<IpAddr> = down.iter().copied().filter(|address| last.contains(address)).collect();
            // Nothing is left of the last answer, or there has been none: every member is the better guess.
            (if kept.is_empty() { down } else { kept }, "last")
        }
        WhenAllDown::Empty => (Vec::new(), "empty"),
        WhenAllDown::Fallback(fallback) => {
            let unwanted = |address: &IpAddr| configured.contains(address) && !ready.contains(address);
            let addresses = fallback.iter().copied().filter(|address| family.has(address) && !unwanted(address));
            (addresses.collect(), "fallback")
        }
    };
    Choice { addresses, all_down: Some(policy) }
}

/// Whether a member is usable: ready, with an address that is up.
pub fn usable(name: &str, member: &MemberConfig, known: &impl Known) -> bool {
    known.operator(name) == OperatorState::Ready
        && member.addresses.iter().any(|address| known.verdict(*address) == Verdict::Up)
}

/// Why this member should not be taken away: it is the last usable one, or the last ready one.
pub fn last_one(pool: &PoolConfig, member: &str, known: &impl Known) -> Option<String> {
    if known.operator(member) != OperatorState::Ready {
        return None;
    }
    let mut others = pool.members.iter().filter(|(name, _)| *name != member);
    let is_usable = pool.members.get(member).is_some_and(|config| usable(member, config, known));
    if others.clone().all(|(name, _)| known.operator(name) != OperatorState::Ready) {
        Some(format!("{member} is the last member that is ready"))
    } else if is_usable && !others.any(|(name, config)| usable(name, config, known)) {
        Some(format!("{member} is the last member that is up and ready"))
    } else {
        None
    }
}

fn of_family<'m>(members: impl Iterator<Item = &'m MemberConfig>, family: Family) -> impl Iterator<Item = IpAddr> {
    members.flat_map(|member| member.addresses.iter().copied()).filter(move |address| family.has(address))
}

#[cfg(test)]
mod tests;
