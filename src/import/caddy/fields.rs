//! Edits of fields: `header`, `request_header`, `header_up` and `header_down`. Pure.

use super::super::error::Inexpressible;
use super::super::headers::{self, Edit, Way};
use super::super::tree::Table;

/// `[+|-|?|>]FIELD [VALUE]`.
///
/// # Errors
///
/// polder cannot do it.
pub fn field(way: Way, words: &[String]) -> Result<Table, Inexpressible> {
    let Some((name, values)) = words.split_first() else { return Err("expected a field".into()) };
    let value = || match values {
        [value] => headers::template(value, placeholder),
        [] => Err("there is no value".into()),
        _ => Err("polder sets whole values, and replaces nothing within them".into()),
    };
    match name.chars().next() {
        Some('+') => headers::edit(way, Edit::Add, &name[1..], &value()?),
        Some('-') => headers::edit(way, Edit::Remove, &name[1..], ""),
        Some('>') => headers::edit(way, Edit::Set, &name[1..], &value()?),
        Some('?') => Err("polder sets a field whether it is there or not".into()),
        _ => headers::edit(way, Edit::Set, name, &value()?),
    }
}

/// The first placeholder: what stands before it, polder's name of it, the rest.
fn placeholder(text: &str) -> Option<(&str, Result<&'static str, Inexpressible>, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, behind) = rest.split_once('}')?;
    let variable = match name {
        "remote_host" | "client_ip" | "http.request.remote.host" | "http.vars.client_ip" => "{client}",
        "remote_port" | "http.request.remote.port" => "{client_port}",
        "host" | "http.request.host" => "{host}",
        "scheme" | "http.request.scheme" => "{scheme}",
        "http.request.uuid" | "uuid" => "{request_id}",
        "tls_version" | "http.request.tls.version" => "{tls_version}",
        "tls_cipher" | "http.request.tls.cipher_suite" => "{tls_cipher}",
        "http.request.tls.server_name" => "{tls_server_name}",
        _ => {
            return Some((
                before,
                Err(format!("{{{name}}}: polder has no such variable; docs/documents.md#header-fields lists them")
                    .into()),
                behind,
            ));
        }
    };
    Some((before, Ok(variable), behind))
}
