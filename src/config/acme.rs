//! A CA from which certificates are ordered by themselves (RFC 8555), and the account there: what `acme` of both documents says.

use std::path::PathBuf;

use super::invalid::Invalid;
use super::names;
use super::reader::{Keys, Object, Read, Value};

/// Let's Encrypt.
const DEFAULT_DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// The roots that the system trusts: Debian's and NixOS's place for them.
const DEFAULT_CA_FILE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The CA, and the account there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaConfig {
    /// The URL of its directory; https. Default: Let's Encrypt's.
    pub directory: String,
    /// How the CA can reach the account's owner: addresses of mail. Default none.
    pub contact: Vec<String>,
    /// The customer's account that this one belongs to (RFC 8555, 7.3.4), where the CA wants one.
    pub eab: Option<EabConfig>,
    /// The roots by which the CA's own https is checked. Default `/etc/ssl/certs/ca-certificates.crt`.
    pub ca_file: PathBuf,
    /// The kind of certificate that is ordered, where the CA has several. Default: the CA's choice.
    pub profile: Option<String>,
}

/// Ties the account at the CA to one that the operator has there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EabConfig {
    /// What the CA calls its key.
    pub key_id: String,
    /// The key, in base64 for URLs as CAs hand it out.
    pub hmac_key_file: PathBuf,
}

/// How the CA is convinced that a host is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChallengeKind {
    /// It asks the host itself, at port 80 (RFC 8555, 8.3).
    Http01,
    /// It asks the host's nameservers, which are ours (RFC 8555, 8.4); the only way to a wildcard.
    Dns01,
}

impl ChallengeKind {
    /// As documents and the CA have it.
    pub fn as_str(self) -> &'static str {
        match self {
            ChallengeKind::Http01 => "http-01",
            ChallengeKind::Dns01 => "dns-01",
        }
    }
}

/// The keys of its `eab`, where it stands as `object`.
pub(super) const fn eab_keys(object: &'static str) -> Keys {
    Keys { object, names: &["hmac_key_file", "key_id"] }
}

/// Reads what `acme` says of the CA: `value` is that object, whose keys may be more than these; `eab_keys` are those of its `eab`.
pub(super) fn read(value: &Value<'_>, acme: &Object<'_>, eab_keys: &'static Keys) -> Read<CaConfig> {
    let directory = acme.with_default("directory", DEFAULT_DIRECTORY.to_owned(), |value| {
        value.parsed("a URL, like \"https://ca.example/directory\"", url)
    });
    let contact = acme.with_default("contact", Vec::new(), |value| {
        value.list("addresses", |value| value.parsed("an address of mail, like \"ops@example.net\"", mail))
    });
    let eab = acme.optional("eab", |value| read_eab(value, eab_keys));
    let ca_file = acme.with_default("ca_file", DEFAULT_CA_FILE.into(), Value::file);
    let profile = acme.optional("profile", |value| value.parsed("a profile's name", names::name));
    let agreed = acme.with_default("terms_of_service_agreed", false, |value| value.boolean());
    let (directory, agreed) = (directory?, agreed?);
    if !agreed {
        return Err(value.fault(format!(
            "the CA gives certificates to those who agree to its terms of service, which {directory} links to: read them and \
             write \"terms_of_service_agreed\": true"
        )));
    }
    Ok(CaConfig { directory, contact: contact?, eab: eab?, ca_file: ca_file?, profile: profile? })
}

fn read_eab(value: &Value<'_>, keys: &'static Keys) -> Read<EabConfig> {
    let eab = value.object(keys)?;
    let key_id = eab.required("key_id", |value| value.text("the name of a key").map(str::to_owned));
    let hmac_key_file = eab.required("hmac_key_file", Value::file);
    Ok(EabConfig { key_id: key_id?, hmac_key_file: hmac_key_file? })
}

fn url(text: &str) -> Result<String, Invalid> {
    let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    let host = text.strip_prefix("https://").and_then(|rest| rest.split(['/', ':']).next());
    match host {
        Some(host) if !host.is_empty() && is_visible => Ok(text.to_owned()),
        _ => Err(Invalid::new(
            text,
            "is not the URL of a CA's directory: expected one like \"https://ca.example/directory\"",
        )),
    }
}

fn mail(text: &str) -> Result<String, Invalid> {
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic() && !b",?<>".contains(&byte));
    match text.split_once('@') {
        Some((user, host)) if is_visible && !user.is_empty() && !host.is_empty() => Ok(text.to_owned()),
        _ => Err(Invalid::new(text, "is not an address of mail: expected one like \"ops@example.net\"")),
    }
}
