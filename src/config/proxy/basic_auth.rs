//! `basic_auth` of a service: visitors show a name and a password (RFC 7617).

use std::path::PathBuf;

use super::withheld::{PassedFields, WithheldField};
use crate::config::reader::{Keys, Object, Read, Value};

/// How visitors say who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasicAuthConfig {
    /// What browsers show to whom they ask. Default the name of the service.
    pub realm: String,
    /// The file of users, as `htpasswd -B` writes it.
    pub users_file: PathBuf,
    /// Backends get the password too, in `Authorization`. Default false.
    pub pass: bool,
}

/// The keys of `basic_auth`.
pub(super) const KEYS: Keys = Keys { object: "services.NAME.basic_auth", names: &["pass", "realm", "users_file"] };

/// The most bytes of a realm: it stands in every challenge.
const MOST_REALM: usize = 128;

/// Reads it of the service of this name, whose backends get these withheld fields.
pub(super) fn read(name: &str, service: &Object<'_>, passed: Option<PassedFields>) -> Read<Option<BasicAuthConfig>> {
    service.optional("basic_auth", |value| {
        let user = WithheldField::find(b"x-remote-user");
        if passed.zip(user).is_some_and(|(passed, user)| passed.pass(user, true)) {
            return Err(value.fault("X-Remote-User names the user to backends, and cannot be one of pass_fields, too"));
        }
        let auth = value.object(&KEYS)?;
        let realm = auth.with_default("realm", name.to_owned(), read_realm);
        let users_file = auth.required("users_file", Value::file);
        let pass = auth.with_default("pass", false, Value::boolean);
        Ok(BasicAuthConfig { realm: realm?, users_file: users_file?, pass: pass? })
    })
}

/// It is a quoted string of a field (RFC 9110, 5.6.4), in which nothing may need to be escaped.
fn read_realm(value: &Value<'_>) -> Read<String> {
    value.parsed("a text", |text| {
        let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) && !matches!(byte, b'"' | b'\\');
        match text.bytes().all(is_plain) && !text.is_empty() && text.len() <= MOST_REALM {
            true => Ok(text.to_owned()),
            false => Err(format!(
                "{text:?} cannot be a realm: expected 1 to {MOST_REALM} printable characters of ASCII, without quotes and \
                 backslashes"
            )),
        }
    })
}
