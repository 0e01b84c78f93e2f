//! What each pool is answered with, and from what that was judged (pure).

use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::peer_state::Told;
use super::prepared::Prepared;
use crate::api::dns::DecidedBy;
use crate::daemon::clock::Now;
use crate::daemon::operator::OperatorStates;
use crate::dns::pool::{By, Choice, Family, Outage};
use crate::health::HealthView;

/// A pool's A and AAAA.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices {
    pub(super) v4: Choice,
    pub(super) v6: Choice,
}

impl Choices {
    /// Both.
    pub fn both(&self) -> [&Choice; 2] {
        [&self.v4, &self.v6]
    }

    /// That of the family that an address has.
    pub fn of(&self, address: IpAddr) -> &Choice {
        if address.is_ipv4() { &self.v4 } else { &self.v6 }
    }

    /// That of one family.
    pub(super) fn of_family(&self, family: Family) -> &Choice {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }

    /// A, then AAAA.
    pub fn addresses(&self) -> impl Iterator<Item = &IpAddr> {
        self.both().into_iter().flat_map(|choice| &choice.addresses)
    }

    /// The `when_all_down` policy that decides an answer, if one does.
    pub fn all_down(&self) -> Option<&'static str> {
        self.both().into_iter().find_map(|choice| choice.by.policy())
    }

    /// Whether this decides an answer.
    pub fn is_decided(&self, by: By) -> bool {
        self.both().into_iter().any(|choice| choice.by == by)
    }

    /// Until when an answer from before an outage is kept, if one is.
    pub fn kept_until(&self) -> Option<u64> {
        let kept = self.both().into_iter().filter_map(|choice| match choice.by {
            By::Kept { until } => Some(until),
            By::Checks | By::Peers | By::FollowsA | By::AllDown(_) => None,
        });
        kept.min()
    }

    /// What decides each answer.
    pub fn decided_by(&self) -> DecidedBy {
        DecidedBy { a: self.v4.by.reason(), aaaa: self.v6.by.reason() }
    }
}

/// The outages of a pool's A and AAAA.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outages {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) a: Option<Outage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) aaaa: Option<Outage>,
}

/// All that pools are judged by, as it was.
pub(super) struct Judged {
    pub(super) document: Arc<Prepared>,
    pub(super) health: Arc<HealthView>,
    pub(super) operator: OperatorStates,
    pub(super) told: Told,
    /// From here to the next end of an operator state, or of a kept answer, in Unix time.
    pub(super) while_unix_ms: Range<u64>,
}

impl Judged {
    pub(super) fn is_at(&self, now: Now) -> bool {
        self.while_unix_ms.contains(&now.unix_ms)
    }
}
