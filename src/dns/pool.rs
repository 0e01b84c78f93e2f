//! Which addresses a pool answers with, and what has decided that (pure).
//!
//! Members that are up and ready; where no checks of this nameserver find any up, those that its peers find up; where no peer is heard either, for
//! a time what was answered before; else what `when_all_down` says.

pub mod ahead;
pub mod binding;
pub mod falling;
pub mod near;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::api::dns::Reason;
use crate::api::operator::OperatorState;
use crate::config::dns::{MemberConfig, PoolConfig, WhenAllDown};
use crate::health::Verdict;

/// The address family: A and AAAA answers are chosen separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

    /// What the checks of each peer that was heard lately say of these addresses, in their order; none: nothing.
    fn opinions(&self, addresses: &[IpAddr]) -> Vec<Vec<Option<Verdict>>>;
}

/// The addresses that a pool's RRset is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// The addresses, in the order of the document.
    pub addresses: Vec<IpAddr>,
    /// What has decided that.
    pub by: By,
}

/// What decides an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    /// Our own checks: these are up, or were a moment ago. Or no member has an address of the family.
    #[default]
    Checks,
    /// The checks of most peers, which see some up, where ours see none.
    Peers,
    /// The answer from before: our checks see none up, and no peer is heard who could say more.
    Kept {
        /// For how long at most, in milliseconds since the epoch.
        until: u64,
    },
    /// The A of the same members: this nameserver has no IPv6 to probe their AAAA by, and no peer says more of them.
    FollowsA,
    /// This `when_all_down` policy: nobody sees one up.
    AllDown(&'static str),
}

impl By {
    /// Whether somebody's checks find the addresses up.
    pub fn is_seen(self) -> bool {
        matches!(self, By::Checks | By::Peers)
    }

    /// Whether the addresses are those from before an outage, which nobody's checks find up.
    pub fn is_from_before(self) -> bool {
        matches!(self, By::Kept { .. }) || self == By::AllDown(WhenAllDown::Last.name())
    }

    /// The policy, where one decides.
    pub fn policy(self) -> Option<&'static str> {
        match self {
            By::AllDown(policy) => Some(policy),
            By::Checks | By::Peers | By::Kept { .. } | By::FollowsA => None,
        }
    }

    /// As the API calls it.
    pub fn reason(self) -> Reason {
        match self {
            By::Checks => Reason::Checks,
            By::Peers => Reason::Peers,
            By::Kept { .. } => Reason::Kept,
            By::FollowsA => Reason::FollowsA,
            By::AllDown(_) => Reason::AllDown,
        }
    }
}

/// Nobody whose word counts sees a member of a family up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outage {
    /// Of that only this nameserver's own checks tell: it may be the one that is cut off.
    Alone {
        /// In milliseconds since the epoch: the next process goes on from there.
        since: u64,
    },
    /// Peers have said so too since it began.
    Agreed,
}

/// What was before.
#[derive(Debug, Clone, Copy)]
pub struct Before<'b> {
    /// The last addresses that somebody's checks found up.
    pub last: &'b [IpAddr],
    /// Addresses that have just been found down, and are answered as long as others are up.
    pub falling: &'b [IpAddr],
    /// What is answered of A, where that is to be followed: this nameserver has no IPv6 of its own.
    pub follows: Option<&'b Choice>,
    /// The family's outage, if there is one.
    pub outage: Option<Outage>,
    /// The present time, in milliseconds since the epoch.
    pub now: u64,
}

/// Chooses the addresses of one family; gives the outage too, if there is one.
///
/// A member in drain or maint is never chosen, and neither is an address that nobody has checked yet: `when_all_down`
/// mistrusts checks that find every member down, and an unchecked address has no such check.
pub fn choose(
    pool: &PoolConfig,
    family: Family,
    members: &impl Members,
    before: &Before<'_>,
) -> (Choice, Option<Outage>) {
    let configured: Vec<IpAddr> = of_family(pool.members.values(), family).collect();
    if configured.is_empty() {
        return (Choice::default(), None);
    }
    let ready = pool.members.iter().filter(|(name, _)| members.operator(name) == OperatorState::Ready);
    let ready: Vec<IpAddr> = of_family(ready.map(|(_, member)| member), family).collect();
    let with = |verdict: Verdict| ready.iter().copied().filter(move |address| members.verdict(*address) == verdict);
    if with(Verdict::Up).next().is_some() {
        let is_answered =
            |address: &IpAddr| members.verdict(*address) == Verdict::Up || before.falling.contains(address);
        let addresses = ready.into_iter().filter(is_answered).collect();
        return (Choice { addresses, by: By::Checks }, None);
    }
    let outage = match elsewhere(&ready, &members.opinions(&ready)) {
        Elsewhere::Up(addresses) => return (Choice { addresses, by: By::Peers }, None),
        Elsewhere::Down => Outage::Agreed,
        Elsewhere::Unheard => before.outage.unwrap_or(Outage::Alone { since: before.now }),
    };
    let down: Vec<IpAddr> = with(Verdict::Down).collect();
    if let (Some(a), Outage::Alone { .. }) = (before.follows, outage) {
        let followed = followed(pool, a, &down);
        if !followed.is_empty() {
            return (Choice { addresses: followed, by: By::FollowsA }, None);
        }
    }
    let kept: Vec<IpAddr> = down.iter().copied().filter(|address| before.last.contains(address)).collect();
    let keeps = |until: &u64| before.now < *until && !kept.is_empty() && before.follows.is_none();
    if let Some(until) = keeps_until(outage, pool).filter(keeps) {
        return (Choice { addresses: kept, by: By::Kept { until } }, Some(outage));
    }
    let addresses = match &pool.when_all_down {
        WhenAllDown::All => down,
        // None of the last answer's addresses is left, or there was no last answer: answering with every member is the better guess.
        WhenAllDown::Last if kept.is_empty() => down,
        WhenAllDown::Last => kept,
        WhenAllDown::Empty => Vec::new(),
        WhenAllDown::Fallback(fallback) => {
            let unwanted = |address: &IpAddr| configured.contains(address) && !ready.contains(address);
            fallback.iter().copied().filter(|address| family.has(address) && !unwanted(address)).collect()
        }
    };
    let by = By::AllDown(pool.when_all_down.name());
    (Choice { addresses, by }, (!ready.is_empty()).then_some(outage))
}

/// Those of the members whose A is answered, as far as that is more than a guess.
fn followed(pool: &PoolConfig, a: &Choice, addresses: &[IpAddr]) -> Vec<IpAddr> {
    let answered = pool.members.values().filter(|member| member.addresses.iter().any(|one| a.addresses.contains(one)));
    let answered = answered.flat_map(|member| &member.addresses).filter(|one| addresses.contains(one));
    if a.by.policy().is_some() { Vec::new() } else { answered.copied().collect() }
}

/// Until when the answer from before an outage is kept.
fn keeps_until(outage: Outage, pool: &PoolConfig) -> Option<u64> {
    match outage {
        Outage::Alone { since } => {
            Some(since.saturating_add(u64::try_from(pool.keep_answer.as_millis()).unwrap_or(u64::MAX)))
        }
        Outage::Agreed => None,
    }
}

/// What peers say of addresses of which none is up here.
#[derive(Debug, PartialEq, Eq)]
enum Elsewhere {
    /// Nothing: none is heard, or none has checked them.
    Unheard,
    /// Most of those who have checked them see some up: these.
    Up(Vec<IpAddr>),
    /// They do not.
    Down,
}

/// `opinions` are those of each peer, in the order of the addresses. An address counts as up that at least half of those who see any
/// see up; where there is none, each that one of them does.
fn elsewhere(addresses: &[IpAddr], opinions: &[Vec<Option<Verdict>>]) -> Elsewhere {
    let speaking = opinions.iter().filter(|peer| peer.iter().any(Option::is_some)).count();
    let seeing: Vec<&Vec<Option<Verdict>>> = opinions.iter().filter(|peer| peer.contains(&Some(Verdict::Up))).collect();
    if speaking == 0 {
        return Elsewhere::Unheard;
    }
    if seeing.len() * 2 <= speaking {
        return Elsewhere::Down;
    }
    let seen_by = |place: usize| seeing.iter().filter(|peer| peer.get(place) == Some(&Some(Verdict::Up))).count();
    let by_at_least = |least: usize| {
        let seen = addresses.iter().enumerate().filter(|(place, _)| seen_by(*place) >= least);
        seen.map(|(_, address)| *address).collect::<Vec<_>>()
    };
    let by_half = by_at_least(seeing.len().div_ceil(2));
    Elsewhere::Up(if by_half.is_empty() { by_at_least(1) } else { by_half })
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
