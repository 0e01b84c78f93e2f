//! `allow` and `deny` of a service: the networks whose visitors it serves, and those it refuses.

use std::path::PathBuf;

use ipnet::IpNet;

use crate::config::address;
use crate::config::distinct::Distinct;
use crate::config::reader::{Keys, Object, Read, Value};

/// Whose visitors a service serves. A visitor is judged by the most specific of the networks that he is in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessConfig {
    /// Served. Where there are any, visitors in none of the networks are refused. Default none.
    pub allow: NetworkList,
    /// Refused. Default none.
    pub deny: NetworkList,
}

/// Networks, and files of more of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkList {
    /// Those that stand in the document.
    pub networks: Vec<IpNet>,
    /// Files with a network a line, which are read again when they change.
    pub files: Vec<PathBuf>,
}

impl AccessConfig {
    /// Everybody is served.
    pub fn is_open(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty()
    }
}

impl NetworkList {
    /// It names nobody.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && self.files.is_empty()
    }
}

/// The keys of a file among the networks.
pub(super) const KEYS: Keys = Keys { object: "services.NAME.allow[]", names: &["file"] };

/// Files of one service at most: each is looked at every few seconds.
const MOST_FILES: usize = 32;

/// Reads both of a service. No network and no file may stand twice, in one of them or in both.
pub(super) fn read(service: &Object<'_>) -> Read<AccessConfig> {
    let (mut networks, mut files) = (Distinct::default(), Distinct::default());
    let [allow, deny] = ["allow", "deny"].map(|key| {
        service.with_default(key, NetworkList::default(), |value| read_list(value, &mut networks, &mut files))
    });
    Ok(AccessConfig { allow: allow?, deny: deny? })
}

fn read_list<'a>(
    value: &Value<'a>,
    networks: &mut Distinct<'a, IpNet>,
    files: &mut Distinct<'a, PathBuf>,
) -> Read<NetworkList> {
    let mut list = NetworkList::default();
    value.list("networks", |value| {
        if value.is_object() {
            list.files.push(read_file(value, files)?);
        } else {
            let parse = address::client_network;
            list.networks.push(networks.claim_parsed(value, "a network, like \"10.0.0.0/8\"", parse)?);
        }
        Ok(())
    })?;
    value.at_least_one("network")?;
    match list.files.len() > MOST_FILES {
        true => Err(value.fault(format!("has {} files: at most {MOST_FILES}", list.files.len()))),
        false => Ok(list),
    }
}

fn read_file<'a>(value: &Value<'a>, files: &mut Distinct<'a, PathBuf>) -> Read<PathBuf> {
    value.object(&KEYS)?.required("file", |value| {
        let file = value.file()?;
        files.claim(file.clone(), &value.location, &format!("the file {}", file.display()))?;
        Ok(file)
    })
}
