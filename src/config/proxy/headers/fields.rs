//! Which fields a document may touch, and with what (pure).

use super::template::{Part, Template};
use crate::config::invalid::Invalid;
use crate::config::names::{self, TOKEN};
use crate::config::proxy::cookie::CookieConfig;
use crate::config::proxy::forward_auth::FieldName;

/// Which fields do not go on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RemovedFields {
    /// Those of this name.
    Named(String),
    /// Those whose names begin like this.
    Beginning(String),
}

impl std::fmt::Display for RemovedFields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RemovedFields::Named(name) => f.write_str(name),
            RemovedFields::Beginning(front) => write!(f, "{front}*"),
        }
    }
}

/// What the rest of the service says that matters here.
#[derive(Debug, Clone, Copy)]
pub(in crate::config::proxy) struct Around<'s> {
    /// It is reached over TLS.
    pub(in crate::config::proxy) has_tls: bool,
    /// Its visitors are asked for certificates.
    pub(in crate::config::proxy) asks_for_certificates: bool,
    /// Its visitors are asked for passwords.
    pub(in crate::config::proxy) asks_for_passwords: bool,
    /// The fields that `forward_auth` sets.
    pub(in crate::config::proxy) copied: &'s [FieldName],
    /// It says itself what is to be said of https.
    pub(in crate::config::proxy) has_hsts: bool,
    /// The cookie by which it knows its visitors again.
    pub(in crate::config::proxy) cookie: Option<&'s CookieConfig>,
}

/// Whose fields they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Of requests, to backends.
    Request,
    /// Of responses, to visitors.
    Response,
}

/// What is to become of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edit {
    /// It takes the place of others.
    Set,
    /// It goes beside others.
    Add,
    /// It does not go on.
    Remove,
}

/// The longest name of a field: longer than any that is in use.
const LONGEST_NAME: usize = 128;

/// How the names begin of what is known of a visitor's certificate.
pub const CLIENT_CERT: &str = "x-client-cert-";

/// Those by which a message is framed or a connection kept (RFC 9110, 7.6.1; RFC 9112, 6).
const OF_CONNECTION: [&str; 9] = [
    "connection",
    "content-length",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Those by which requests say what became of them on their way.
const OF_WAY: [&str; 7] =
    ["expect", "forwarded", "max-forwards", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];

const CREDENTIALS: [&str; 2] = ["authorization", "proxy-authorization"];

const CHALLENGES: [&str; 2] = ["proxy-authenticate", "www-authenticate"];

/// A field's name that may be touched in this way.
pub(super) fn name(text: &str, way: Way, edit: Edit, around: Around<'_>) -> Result<String, Invalid> {
    if text.len() > LONGEST_NAME || !names::is_token(text) {
        let why = format!("is not a field's name: expected 1 to {LONGEST_NAME} {TOKEN}");
        return Err(Invalid::new(text, why));
    }
    match refusal(&normal(text), way, edit, around) {
        Some(why) => Err(Invalid::unquoted(format!("{text} cannot be {} here: {why}", edit.done()))),
        None => Ok(text.to_owned()),
    }
}

/// How the names of fields begin that do not go on.
pub(super) fn beginning(front: &str) -> Result<RemovedFields, Invalid> {
    let is_named = front.bytes().any(|byte| byte.is_ascii_alphanumeric()) && !front.contains('*');
    match is_named && names::is_token(front) {
        true => Ok(RemovedFields::Beginning(front.to_owned())),
        false => {
            let why = "does not say which fields: expected how their names begin, like \"X-Debug-*\"";
            Err(Invalid::new(&format!("{front}*"), why))
        }
    }
}

/// The name as programs may read it that make variables of fields: in small letters, all punctuation alike.
fn normal(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' }).collect()
}

fn refusal(name: &str, way: Way, edit: Edit, around: Around<'_>) -> Option<&'static str> {
    let why = match name {
        _ if OF_CONNECTION.contains(&name) => {
            "it frames messages or belongs to one connection, and the proxy writes it itself"
        }
        _ if name.starts_with("sec-websocket-") => "it belongs to the handshake of a WebSocket",
        _ if way == Way::Request => return refusal_in_request(name, edit, around),
        "set-cookie" if edit == Edit::Set => {
            "every cookie of the backend would be lost; \"add\" one, or \"remove\" those of the backend"
        }
        "strict-transport-security" if around.has_hsts => "the service's \"hsts\" says it already",
        "strict-transport-security" if edit != Edit::Remove => {
            "it may be said over https alone, and \"hsts\" of the service does that"
        }
        _ if CHALLENGES.contains(&name) && edit != Edit::Remove => {
            "only the server that checks credentials can ask for them"
        }
        _ => return None,
    };
    Some(why)
}

fn refusal_in_request(name: &str, edit: Edit, around: Around<'_>) -> Option<&'static str> {
    let why = match name {
        "host" if edit != Edit::Set => "a request has one Host; \"set\" another one",
        "proxy" => "a CGI program takes it for HTTP_PROXY (CVE-2016-5385), and no backend gets it",
        _ if OF_WAY.contains(&name) => {
            "it says how the request came here, and the proxy writes it itself (docs/http.md)"
        }
        _ if CREDENTIALS.contains(&name) && edit != Edit::Remove => {
            "a document holds no secrets, for everybody on the host may read it"
        }
        _ if name.starts_with(CLIENT_CERT) && around.asks_for_certificates => {
            "with \"client_certificates\" the proxy writes it itself, and lets no visitor's through; leave it out"
        }
        "x-remote-user" if around.asks_for_passwords => {
            "with \"basic_auth\" the proxy writes it itself, and lets no visitor's through; leave it out"
        }
        _ if around.copied.iter().any(|copied| normal(copied.as_str()) == name) => {
            "\"copy\" of \"forward_auth\" has it: the proxy writes it itself, and lets no visitor's through; leave it out here, or there"
        }
        _ => return None,
    };
    Some(why)
}

/// A value that a field of this name may have.
pub(super) fn vet_value(name: &str, value: &Template, way: Way, around: Around<'_>) -> Result<(), Invalid> {
    for variable in value.variables() {
        let missing = match variable {
            _ if variable.is_of_tls() && !around.has_tls => "\"tls\"",
            _ if variable.is_of_certificate() && !around.asks_for_certificates => {
                "\"client_certificates\" in its \"tls\""
            }
            _ => continue,
        };
        let why = format!("{{{}}} never says anything: the service has no {missing}", variable.name());
        return Err(Invalid::unquoted(why));
    }
    match (way, &*normal(name)) {
        (Way::Request, "host") => match value.literal() {
            Some(host) => names::check_host(host).map(drop),
            None => Err(Invalid::unquoted("Host takes no variables: it has to be one that the backends know")),
        },
        (Way::Response, "set-cookie") => match (around.cookie, cookie_set_by(value)) {
            (Some(own), Some(set)) if set != own.name => Ok(()),
            (Some(own), _) => Err(Invalid::unquoted(format!(
                "it could be {}, by which the service knows its visitors again: begin it with the name of another cookie",
                own.name
            ))),
            (None, _) => Ok(()),
        },
        _ => Ok(()),
    }
}

/// The name of the cookie that a value of Set-Cookie sets, if it surely is that for every request.
fn cookie_set_by(value: &Template) -> Option<&str> {
    let Some(Part::Text(text)) = value.parts().first() else { return None };
    text.split_once('=').map(|(name, _)| name.trim())
}

impl Edit {
    fn done(self) -> &'static str {
        match self {
            Edit::Set => "set",
            Edit::Add => "added",
            Edit::Remove => "removed",
        }
    }
}
