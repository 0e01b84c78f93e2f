//! What an operator names: a use of a backend or pool member, or every use of it (pure).

use std::collections::BTreeMap;

use super::replies::DaemonReply;
use crate::api::daemon::Daemon;
use crate::api::dns::MemberStatus;
use crate::api::operator::{OperatorNote, OperatorState};
use crate::api::proxy::BackendStatus;

/// The subjects that a name stands for, each with the kind of daemon that has it.
pub fn find_subjects(named: &str, replies: &[DaemonReply]) -> BTreeMap<String, Daemon> {
    let mut subjects = known_subjects(replies);
    let suffix = format!("/{named}");
    subjects.retain(|subject, _| subject == named || subject.ends_with(&suffix));
    subjects
}

/// Every `SERVICE/BACKEND` and `POOL/MEMBER` that any daemon has.
pub fn known_subjects(replies: &[DaemonReply]) -> BTreeMap<String, Daemon> {
    let each = |reply| {
        let role = DaemonReply::role(reply);
        states_in(reply).into_keys().filter_map(move |subject| Some((subject, role?)))
    };
    replies.iter().flat_map(each).collect()
}

/// The operator state of every subject that this daemon has.
pub fn states_in(reply: &DaemonReply) -> BTreeMap<String, OperatorState> {
    let services = reply.proxy().into_iter().flat_map(|status| &status.services);
    let backends = services.flat_map(|service| {
        service.backends.iter().map(|backend| (format!("{}/{}", service.name, backend.name), backend.operator))
    });
    let pools = reply.nameserver().into_iter().flat_map(|status| &status.pools);
    let members = pools
        .flat_map(|pool| pool.members.iter().map(|member| (format!("{}/{}", pool.name, member.name), member.operator)));
    backends.chain(members).collect()
}

/// What operators have said of every subject that this daemon has, with who, when and why.
pub fn notes_in(reply: &DaemonReply) -> BTreeMap<String, &OperatorNote> {
    let services = reply.proxy().into_iter().flat_map(|status| &status.services);
    let backends = services.flat_map(|service| {
        let of = |backend: &'_ BackendStatus| format!("{}/{}", service.name, backend.name);
        service.backends.iter().filter_map(move |backend| Some((of(backend), backend.note.as_ref()?)))
    });
    let pools = reply.nameserver().into_iter().flat_map(|status| &status.pools);
    let members = pools.flat_map(|pool| {
        let of = |member: &'_ MemberStatus| format!("{}/{}", pool.name, member.name);
        pool.members.iter().filter_map(move |member| Some((of(member), member.note.as_ref()?)))
    });
    backends.chain(members).collect()
}

#[cfg(test)]
mod tests;
