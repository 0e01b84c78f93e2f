//! What is compared. Each aspect speaks only where those before it agree: another status brings other fields.

use crate::visit::{After, Outcome, Response};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    Statuses,
    Interim,
    /// Whether the visitor's connection is kept.
    Connection,
    /// Method, target, body and trailers of what arrives at backends, where it arrives whole.
    Requests,
    /// Bodies and trailers of the backends' answers.
    Bodies,
    RequestFields,
    ResponseFields,
    /// Whether the answer sets the service's cookie.
    Cookie,
    /// Which backend a request with a valid cookie comes to.
    Backend,
}

pub const ASPECTS: [Aspect; 9] = [
    Aspect::Statuses,
    Aspect::Interim,
    Aspect::Connection,
    Aspect::Requests,
    Aspect::Bodies,
    Aspect::RequestFields,
    Aspect::ResponseFields,
    Aspect::Cookie,
    Aspect::Backend,
];

/// Of one hop, or the proxy's own business: what stands there is the framing of each side or said by the document.
const OWN_REQUEST_FIELDS: [&str; 10] = [
    "connection",
    "content-length",
    "transfer-encoding",
    "keep-alive",
    "via",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "forwarded",
    "host",
];

const OWN_RESPONSE_FIELDS: [&str; 6] =
    ["connection", "content-length", "transfer-encoding", "keep-alive", "cache-control", "date"];

const OUR_COOKIE: &str = "polder-www=";

/// The first aspect in which they differ, and how: what stays the same while a case is made smaller.
pub fn difference(polder: &Outcome, haproxy: &Outcome) -> Option<(Aspect, String)> {
    ASPECTS.into_iter().find_map(|aspect| {
        if aspect == Aspect::Backend && !(is_bound(polder) && is_bound(haproxy)) {
            return None;
        }
        let (ours, theirs) = (see(polder, aspect), see(haproxy, aspect));
        let first = (0..ours.len().max(theirs.len())).find(|n| ours.get(*n) != theirs.get(*n))?;
        let how = match aspect {
            Aspect::Statuses | Aspect::Connection => format!("{:?} {:?}", ours.get(first), theirs.get(first)),
            _ => String::new(),
        };
        Some((aspect, how))
    })
}

/// An aspect in words.
fn see(outcome: &Outcome, aspect: Aspect) -> Vec<String> {
    let responses = outcome.responses.iter();
    let answers = responses.clone().filter(|response| !response.is_own());
    let whole = outcome.arrived.iter().filter(|arrived| arrived.whole);
    match aspect {
        Aspect::Statuses => responses.map(|response| response.head.status().to_string()).collect(),
        Aspect::Interim => responses
            .map(|response| format!("{:?}", response.interim))
            .chain([format!("{:?}", outcome.interim)])
            .collect(),
        Aspect::Connection => vec![format!("{:?}", outcome.after)],
        Aspect::Requests => whole
            .map(|arrived| {
                let line = arrived.head.line.rsplit_once(' ').map_or("", |(line, _)| line);
                format!("{line} {:?} {:?}", String::from_utf8_lossy(&arrived.body), arrived.trailers)
            })
            .collect(),
        Aspect::Bodies => answers.map(|answer| format!("{:?}", answer.body)).collect(),
        Aspect::RequestFields => request_fields(outcome, &[]),
        Aspect::ResponseFields => answers.map(|answer| fields(&answer.head.fields, &OWN_RESPONSE_FIELDS)).collect(),
        Aspect::Cookie => set(outcome).iter().map(bool::to_string).collect(),
        Aspect::Backend => whole.map(|arrived| arrived.backend.to_string()).collect(),
    }
}

/// The fields of each request that arrived whole, but for the proxy's own and these.
pub fn request_fields(outcome: &Outcome, without: &[&str]) -> Vec<String> {
    let own = [&OWN_REQUEST_FIELDS, without].concat();
    outcome.arrived.iter().filter(|arrived| arrived.whole).map(|arrived| fields(&arrived.head.fields, &own)).collect()
}

/// Whether cookies, and nothing else, have told where each request goes.
fn is_bound(outcome: &Outcome) -> bool {
    let of_service = |host: &str| host.to_ascii_lowercase().starts_with("www.test");
    outcome.responses.len() == outcome.arrived.len()
        && outcome.arrived.iter().all(|arrived| arrived.whole)
        && outcome.responses.iter().all(|response| !response.is_own())
        && !set(outcome).contains(&true)
        && outcome.arrived.iter().all(|arrived| arrived.head.field("host").is_some_and(of_service))
}

/// Which of the backends' answers set our cookie.
fn set(outcome: &Outcome) -> Vec<bool> {
    let sets = |answer: &Response| {
        answer.head.fields.iter().any(|(name, value)| name == "set-cookie" && value.starts_with(OUR_COOKIE))
    };
    outcome.responses.iter().filter(|answer| !answer.is_own()).map(sets).collect()
}

fn fields(all: &[(String, String)], own: &[&str]) -> String {
    let ours = |name: &str, value: &str| own.contains(&name) || name == "set-cookie" && value.starts_with(OUR_COOKIE);
    let mut fields: Vec<String> =
        all.iter().filter(|(name, value)| !ours(name, value)).map(|(name, value)| format!("{name}: {value}")).collect();
    fields.sort();
    fields.join(", ")
}

/// The outcome for people.
pub fn tell(outcome: &Outcome) -> String {
    let mut text = String::new();
    for response in &outcome.responses {
        let fields: Vec<String> = response.head.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let own = if response.is_own() { " (the proxy's own)" } else { "" };
        let body: String = String::from_utf8_lossy(&response.body.bytes).chars().take(40).collect();
        text.push_str(&format!(
            "    {:?} {:?}{own} {fields:?}\n      {body:?}, whole: {}, {:?}\n",
            response.interim, response.head.line, response.body.whole, response.body.trailers
        ));
    }
    text.push_str(&format!(
        "    {:?}, {}\n",
        outcome.interim,
        match outcome.after {
            After::Kept => "kept",
            After::Closed => "closed",
            After::Waits => "waits",
        }
    ));
    for arrived in &outcome.arrived {
        let fields: Vec<String> = arrived.head.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        text.push_str(&format!(
            "    -> {} {:?} {fields:?}\n      {:?}, whole: {}, {:?}\n",
            arrived.backend,
            arrived.head.line,
            String::from_utf8_lossy(&arrived.body),
            arrived.whole,
            arrived.trailers
        ));
    }
    text
}
