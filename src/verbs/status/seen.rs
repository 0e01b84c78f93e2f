//! What daemons and hosts say of themselves, and what of it is not well.

use std::rc::Rc;

use super::findings::{self, Finding};
use super::fleet::Fleet;
use crate::verbs::daemons::Selection;
use crate::verbs::replies::{DaemonReply, ask_all};

/// What daemons and hosts have said of themselves.
pub(super) struct Seen {
    pub(super) replies: Vec<DaemonReply>,
    pub(super) fleet: Option<Rc<Fleet>>,
    pub(super) findings: Vec<Finding>,
}

impl Seen {
    /// Asks all of them.
    pub(super) async fn look(selection: &Selection) -> Seen {
        let replies = ask_all(&selection.daemons).await;
        Seen::of(replies, selection.fleet.as_ref().map(Fleet::gather).map(Rc::new))
    }

    /// What has been said.
    pub(super) fn of(replies: Vec<DaemonReply>, fleet: Option<Rc<Fleet>>) -> Seen {
        let mut findings = fleet.as_deref().map(Fleet::findings).unwrap_or_default();
        // A host that is not reached explains its daemons.
        let is_explained = |reply: &DaemonReply| reply.endpoint.unreachable.is_some();
        findings.extend(findings::all(replies.iter().filter(|one| !is_explained(one))));
        Seen { replies, fleet, findings }
    }
}
