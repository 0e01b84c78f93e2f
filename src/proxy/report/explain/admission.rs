//! What a service asks of a request before its target is, in sentences.

use super::visit::Visit;
use crate::config::duration;
use crate::config::proxy::{AuthServer, Protocol};
use crate::counted::counted;
use crate::proxy::choose::{BalanceState, Choice, RequestFacts, choose};
use crate::proxy::edge::Edge;
use crate::proxy::edge::access::Ruling;
use crate::proxy::edge::watched::Watched;
use crate::proxy::snapshot::Snapshot;
use crate::running_time::running;

/// What becomes of the request, and why, as far as it can be told beforehand.
pub struct Admission {
    /// Each a sentence.
    pub because: Vec<String>,
    /// The status with which it goes no further.
    pub refusal: Option<&'static str>,
}

/// Explains what such visitors meet. `wants_https`: those who come in clear text would be sent to https, if they could be.
pub fn explain(edge: &Edge, visit: &Visit<'_>, wants_https: bool) -> Admission {
    let mut because = Vec::new();
    match (&edge.access, visit.from) {
        (Some(access), Some(from)) => {
            let ruling = access.judge(Some(from));
            because.push(format!("{from} {ruling}"));
            if !ruling.serves() {
                let status = if ruling == Ruling::Unread { "503" } else { "403" };
                because.push(format!("it is answered {status}"));
                return Admission { because, refusal: Some(status) };
            }
        }
        (Some(_), None) => because.push("not every network is served: `--from ADDRESS` tells about a visitor".into()),
        (None, Some(from)) => because.push(format!("{from} is served like everybody: no network is denied")),
        (None, None) => {}
    }
    if visit.protocol == Protocol::Http && edge.client_certificates.as_ref().is_some_and(|asks| asks.required) {
        because.push("it needs a client certificate, which is shown over https alone: it is answered 403".into());
        return Admission { because, refusal: Some("403") };
    }
    if visit.protocol == Protocol::Http && wants_https && edge.asks_who() {
        because.push("who visitors are is not asked in clear text: it is answered 503".into());
        return Admission { because, refusal: Some("503") };
    }
    because.extend(edge.basic_auth.as_ref().map(|auth| {
        let file = auth.file.path().display();
        match auth.file.content() {
            Some(users) => {
                let users = counted(users.len(), "user");
                format!("it needs a name and a password of the {users} in {file}, or it is answered 401")
            }
            None => format!("it needs a name and a password, and {file} cannot be used: it is answered 503"),
        }
    }));
    because.extend(edge.forward_auth.as_ref().map(|auth| {
        let limit = duration::format(auth.timeout);
        format!(
            "{} is asked at {} first, for at most {limit}: unless it answers 2xx, its answer is the visitor's",
            auth.server, auth.path
        )
    }));
    let is_unusable = edge.basic_auth.as_ref().is_some_and(|auth| auth.file.content().is_none());
    Admission { because, refusal: is_unusable.then_some("503") }
}

/// Says so where `forward_auth` asks a service of which no backend may be asked now: no question waits for one.
pub fn nobody_to_ask(snapshot: &Snapshot, edge: &Edge) -> Option<String> {
    let AuthServer::Service(name) = &edge.forward_auth.as_ref()?.server else { return None };
    let service = &snapshot.services[snapshot.place_of(name)?];
    let facts = RequestFacts { now: running(), ..RequestFacts::default() };
    let choice = choose(service, facts, &mut BalanceState::default(), fastrand::u64(..));
    let nobody = !matches!(choice, Choice::Use { .. });
    nobody.then(|| format!("no backend of the service {name} may be asked now: it is answered 503"))
}

#[cfg(test)]
mod tests;
