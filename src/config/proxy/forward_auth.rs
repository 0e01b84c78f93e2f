//! `forward_auth` of a service: another server is asked whether a request may go on.

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::context::Context;
use crate::config::distinct::Distinct;
use crate::config::invalid::Invalid;
use crate::config::reader::{Keys, Object, Read, Value};
use crate::config::{address, names};

/// Who is asked, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardAuthConfig {
    /// Who is asked, over HTTP/1.1.
    pub server: AuthServer,
    /// The target of each question, with a query if there is one. Default `/`.
    pub path: String,
    /// `Host` of each question. Default the address; of a service it has to be said.
    pub host: String,
    /// How long its whole answer may take. Default 5 s.
    pub timeout: Duration,
    /// The visitor's fields that it is sent besides `X-Forwarded-*`.
    pub send: Vec<FieldName>,
    /// The fields of its answer that the backend gets. A visitor's own of these names are left out. Default none.
    pub copy: Vec<FieldName>,
}

/// Who is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthServer {
    /// A server of its own, in clear text.
    Address(SocketAddr),
    /// The backends of this service of the document, as that speaks to them.
    Service(String),
}

impl fmt::Display for AuthServer {
    /// `192.0.2.9:80`, or `a backend of the service auth`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuthServer::Address(address) => address.fmt(f),
            AuthServer::Service(name) => write!(f, "a backend of the service {name}"),
        }
    }
}

/// The name of a field that may go from one message to another, in the case in which it was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldName(String);

impl FieldName {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// It is no name, or of a field that never goes from one message to another.
    pub fn parse(text: &str) -> Result<FieldName, Invalid> {
        // No other punctuation: programs behind CGI could not tell it from a hyphen, and so not one name from another.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if text.is_empty() || text.len() > MOST_NAME || !text.bytes().all(is_plain) {
            let why = format!(
                "is not the name of a field, like \"Remote-User\": expected 1 to {MOST_NAME} letters, digits and hyphens"
            );
            return Err(Invalid::new(text, why));
        }
        let name = text.to_ascii_lowercase();
        if NEVER.contains(&name.as_str()) || name.starts_with("x-forwarded-") || name.starts_with("x-client-cert-") {
            return Err(Invalid::new(
                text,
                "belongs to one connection or one message, or is set by the proxy itself: it never goes from one message to \
                 another; leave it out",
            ));
        }
        Ok(FieldName(text.to_owned()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The keys of `forward_auth`.
pub(super) const KEYS: Keys = Keys {
    object: "services.NAME.forward_auth",
    names: &["address", "copy", "host", "path", "send", "service", "timeout"],
};

/// What the servers that answer such questions decide by: who it is, and whether a page or a program is answered.
const SENT: [&str; 5] = ["Accept", "Authorization", "Cookie", "User-Agent", "X-Requested-With"];

const TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(60);

/// The most names of `send` and of `copy`: each field of a request is compared with all of them.
const MOST_NAMES: usize = 32;

/// The longest name.
const MOST_NAME: usize = 64;

/// What belongs to one connection, frames a message, or is said by the proxy itself.
const NEVER: [&str; 22] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "proxy",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "set-cookie",
    "strict-transport-security",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "www-authenticate",
];

/// Reads it of a service.
pub(super) fn read(service: &Object<'_>, context: &Context<'_>) -> Read<Option<ForwardAuthConfig>> {
    service.optional("forward_auth", |value| {
        let auth = value.object(&KEYS)?;
        let server = read_server(&auth, context);
        let path = auth.with_default("path", "/".to_owned(), read_path);
        let host = match &server {
            Ok(AuthServer::Service(_)) => auth.required("host", read_host),
            Ok(AuthServer::Address(address)) => auth.with_default("host", address.to_string(), read_host),
            // What is wrong with it is told already.
            Err(_) => auth.with_default("host", String::new(), read_host),
        };
        let timeout = auth.with_default("timeout", TIMEOUT, |value| value.duration(TIMEOUTS));
        let sent = SENT.map(|name| FieldName(name.to_owned())).to_vec();
        let send = auth.with_default("send", sent, read_names);
        let copy = auth.with_default("copy", Vec::new(), |value| {
            let names = read_names(value)?;
            let is_of_user = |name: &FieldName| name.0.eq_ignore_ascii_case("X-Remote-User");
            match service.get("basic_auth").is_some() && names.iter().any(is_of_user) {
                true => Err(value.fault("X-Remote-User is the user of basic_auth: no answer can set it, too")),
                false => Ok(names),
            }
        });
        Ok(ForwardAuthConfig { server: server?, path: path?, host: host?, timeout: timeout?, send: send?, copy: copy? })
    })
}

fn read_server(auth: &Object<'_>, context: &Context<'_>) -> Read<AuthServer> {
    match auth.one_of_keys(&["address", "service"], "it says who is asked")? {
        "service" => auth.required("service", |value| value.parsed("a name", names::name)).map(AuthServer::Service),
        key => auth.required(key, |value| {
            let address = value.parsed("an address and port", address::dial)?;
            match context.listeners.contains(&address) {
                true => Err(value.fault("is a listener of this proxy: each question would ask another one")),
                false => Ok(AuthServer::Address(address)),
            }
        }),
    }
}

/// A target as it stands in a request line (RFC 9112, 3.2.1).
fn read_path(value: &Value<'_>) -> Read<String> {
    value.parsed("a path", |text| {
        let is_plain = |byte: u8| (b'!'..=b'~').contains(&byte) && byte != b'#';
        match text.starts_with('/') && text.bytes().all(is_plain) {
            true => Ok(text.to_owned()),
            false => Err(format!(
                "{text:?} is not a path, like \"/api/verify\": it begins with \"/\", and what is not ASCII is percent-encoded"
            )),
        }
    })
}

fn read_host(value: &Value<'_>) -> Read<String> {
    value.parsed("a host", |text| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        match !text.is_empty() && text.bytes().all(is_plain) {
            true => Ok(text.to_owned()),
            false => Err(format!("{text:?} is not a host, like \"auth.example.net\"")),
        }
    })
}

fn read_names(value: &Value<'_>) -> Read<Vec<FieldName>> {
    let mut distinct = Distinct::default();
    let names = value.list("names of fields", |value| {
        let name = value.parsed("the name of a field", FieldName::parse)?;
        distinct.claim(name.0.to_ascii_lowercase(), &value.location, &format!("the field {}", name.0))?;
        Ok(name)
    })?;
    match names.len() > MOST_NAMES {
        true => Err(value.fault(format!("has {} names: at most {MOST_NAMES}", names.len()))),
        false => Ok(names),
    }
}
