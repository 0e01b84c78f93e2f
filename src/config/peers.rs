//! `peers`: the other daemons of the same kind, with which latches and operator states are merged.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::distinct::Distinct;
use super::own_name::OwnName;
use super::reader::{Keys, Read, Value};
use super::{address, admin, names};

/// The `peers` part of both documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeersConfig {
    /// Where this daemon listens for its peers.
    pub listen: SocketAddr,
    /// A file of shared keys: one a line, 32 bytes in base64. The first opens connections, all are accepted.
    pub key_file: PathBuf,
    /// The peers by their names; never empty. In the document this daemon's own name may stand among them, so that one
    /// table can be rendered for the whole fleet; it is not here.
    pub members: BTreeMap<String, SocketAddr>,
}

/// The keys of `peers`.
pub(super) const KEYS: Keys = Keys { object: "peers", names: &["key_file", "listen", "members"] };

/// Reads `peers`; `own_name` is this daemon's, if it could be read.
pub(super) fn read<'a>(
    value: &Value<'a>,
    own_name: Option<&OwnName>,
    sockets: &mut Distinct<'a, SocketAddr>,
) -> Read<PeersConfig> {
    let peers = value.object(&KEYS)?;
    let listen = peers.required("listen", |value| admin::listen(value, sockets));
    let key_file = peers.required("key_file", Value::file);
    let members = peers.required("members", |value| read_members(value, own_name, listen.ok()));
    Ok(PeersConfig { listen: listen?, key_file: key_file?, members: members? })
}

fn read_members(
    value: &Value<'_>,
    own_name: Option<&OwnName>,
    listen: Option<SocketAddr>,
) -> Read<BTreeMap<String, SocketAddr>> {
    let mut addresses = Distinct::default();
    let mut members =
        value.table(names::name, |name, _, value| {
            let address = addresses.claim_parsed(value, "an address and port", address::dial)?;
            match own_name {
                Some(OwnName::Stated(own)) if name != own && listen == Some(address) => Err(value
                    .fault(format!("this is where this daemon listens for its peers itself; its own name is {own:?}"))),
                _ => Ok(address),
            }
        })?;
    value.at_least_one("peer")?;
    let own = own_name.and_then(|name| members.remove_entry(name.as_str()));
    match own {
        Some((own, _)) if members.is_empty() => {
            Err(value.fault(format!("needs at least one peer besides this daemon itself, {own:?}")))
        }
        _ => Ok(members),
    }
}
