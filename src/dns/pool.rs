//! Which addresses a pool answers with (pure): members that are up and ready, or what `when_all_down` says.

use std::net::IpAddr;

use crate::api::operator::OperatorState;
use crate::config::dns::{MemberConfig, PoolConfig, WhenAllDown};
use crate::health::Verdict;

/// The address family: A and AAAA answers are chosen separately.
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

/// The state of a pool's members at one moment.
pub trait Members {
    /// The verdict of the checks of an address.
    fn verdict(&self, address: IpAddr) -> Verdict;

    /// The operator state of a member.
    fn operator(&self, member: &str) -> OperatorState;
}

/// The addresses that a pool's RRset is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// The addresses, in the order of the document.
    pub addresses: Vec<IpAddr>,
    /// The `when_all_down` policy, if it decided because no member was up.
    pub all_down: Option<&'static str>,
}

/// Chooses the addresses of one family. `last` is the last choice with a member that was up.
///
/// A member in drain or maint is never chosen, and neither is an address that has not been checked yet: `when_all_down`
/// mistrusts checks that find every member down, and an unchecked address has no such check.
pub fn choose(pool: &PoolConfig, family: Family, members: &impl Members, last: &[IpAddr]) -> Choice {
    let configured: Vec<IpAddr> = of_family(pool.members.values(), family).collect();
    if configured.is_empty() {
        return Choice::default();
    }
    let ready = pool.members.iter().filter(|(name, _)| members.operator(name) == OperatorState::Ready);
    let ready: Vec<IpAddr> = of_family(ready.map(|(_, member)| member), family).collect();
    let with = |verdict: Verdict| ready.iter().copied().filter(move |address| members.verdict(*address) == verdict);
    let up: Vec<IpAddr> = with(Verdict::Up).collect();
    if !up.is_empty() {
        return Choice { addresses: up, all_down: None };
    }
    let down: Vec<IpAddr> = with(Verdict::Down).collect();
    let (addresses, policy) = match &pool.when_all_down {
        WhenAllDown::All => (down, "all"),
        WhenAllDown::Last => {
            let kept: Vec<IpAddr> = down.iter().copied().filter(|address| last.contains(address)).collect();
            // None of the last answer's addresses is left, or there was no last answer: answering with every member is the better
            // guess.
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
pub fn usable(name: &str, member: &MemberConfig, members: &impl Members) -> bool {
    members.operator(name) == OperatorState::Ready
        && member.addresses.iter().any(|address| members.verdict(*address) == Verdict::Up)
}

/// Why this member should not be drained: it is the last usable one, or the last ready one; or one of the last, if others could
/// be taking so many away at this moment.
pub fn last_one(pool: &PoolConfig, member: &str, members: &impl Members, taking: usize) -> Option<String> {
    if members.operator(member) != OperatorState::Ready {
        return None;
    }
    let others = || pool.members.iter().filter(|(name, _)| *name != member);
    let is_usable = pool.members.get(member).is_some_and(|config| usable(member, config, members));
    if others().filter(|(name, _)| members.operator(name) == OperatorState::Ready).count() <= taking {
        Some(format!("{member} is the last member that is ready"))
    } else if is_usable && others().filter(|(name, config)| usable(name, config, members)).count() <= taking {
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
