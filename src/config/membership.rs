//! `agreement.json`: the members of etcd by name, for the verbs `polder agreement`; and which of them this host keeps.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::finding::Findings;
use super::names;
use super::proxy::AgreementTlsConfig;
use super::proxy::agreement::{TLS, endpoint, read_tls};
use super::reader::{Keys, Object, Read, Value, read_file, read_text};
use super::version;

/// The whole document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipConfig {
    /// The members, by name; never empty.
    pub members: BTreeMap<String, MemberConfig>,
    /// How they are reached over TLS; none: in clear text, and then all of them are on this machine.
    pub tls: Option<AgreementTlsConfig>,
    /// What tells this cluster from others (`--initial-cluster-token`).
    pub token: String,
    /// The member that this host keeps, where it keeps one.
    pub here: Option<HereConfig>,
}

/// Where a member is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberConfig {
    /// By clients.
    pub client: String,
    /// By the other members.
    pub peer: String,
}

/// The member that this host keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HereConfig {
    /// Its name.
    pub name: String,
    /// The folder of its data (`--data-dir`).
    pub data_dir: PathBuf,
}

const ROOT: Keys =
    Keys { object: "agreement.json", names: &["data_dir", "members", "name", "tls", "token", "version"] };

const MEMBER: Keys = Keys { object: "members.NAME", names: &["client", "peer"] };

/// The keys of every object of `agreement.json`.
pub const KEYS: &[&Keys] = &[&ROOT, &MEMBER, &TLS];

const DEFAULT_TOKEN: &str = "polder-agreement";

/// Reads and checks a document: all of it, or every finding. Opens no socket.
///
/// # Errors
///
/// It cannot be read, or something in it is not as it must be.
pub fn load(file: &Path) -> Result<MembershipConfig, Findings> {
    read_file(file, read)
}

/// The same from text, `file` standing in the findings.
///
/// # Errors
///
/// Something in it is not as it must be.
pub fn parse(file: &Path, text: &str) -> Result<MembershipConfig, Findings> {
    read_text(file, text, read)
}

fn read(document: &Value<'_>) -> Read<MembershipConfig> {
    version::read(document)?;
    let root = document.object(&ROOT)?;
    let members = root.required("members", read_members);
    let tls = root.optional("tls", read_tls);
    let token = root.with_default("token", DEFAULT_TOKEN.to_owned(), |value| {
        value.text("what tells this cluster from others").map(str::to_owned)
    });
    let here = read_here(&root);
    let (members, tls, here) = (members?, tls?, here?);
    if let Some(value) = root.get("members")
        && let Some(other) = members.values().find(|member| member.client.starts_with("https:") != tls.is_some())
    {
        return Err(value.fault(match tls.is_some() {
            true => format!("{} is in clear text beside \"tls\": write https://", other.client),
            false => format!("{} needs \"tls\" beside it, with ca, certificate and key", other.client),
        }));
    }
    if let (Some(here), Some(value)) = (&here, root.get("name"))
        && !members.contains_key(&here.name)
    {
        return Err(value.fault(format!("{:?} is not among the members", here.name)));
    }
    Ok(MembershipConfig { members, tls, token: token?, here })
}

fn read_members(value: &Value<'_>) -> Read<BTreeMap<String, MemberConfig>> {
    let members = value.table(names::name, |_, _, value| {
        let member = value.object(&MEMBER)?;
        let url = |key: &str| {
            let read = |value: &Value<'_>| value.parsed("a member's URL, like \"https://10.0.0.5:2379\"", endpoint);
            member.required(key, read).map(|endpoint| endpoint.url)
        };
        let (client, peer) = (url("client"), url("peer"));
        Ok(MemberConfig { client: client?, peer: peer? })
    })?;
    value.at_least_one("member")?;
    Ok(members)
}

fn read_here(root: &Object<'_>) -> Read<Option<HereConfig>> {
    let name = root.optional("name", |value| value.text("a member's name").map(str::to_owned));
    let data_dir = root.optional("data_dir", Value::absolute_path);
    match (name?, data_dir?) {
        (Some(name), Some(data_dir)) => Ok(Some(HereConfig { name, data_dir })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(root.location.fault("\"name\" needs \"data_dir\" beside it")),
        (None, Some(_)) => Err(root.location.fault("\"data_dir\" needs \"name\" beside it")),
    }
}

#[cfg(test)]
mod tests;
