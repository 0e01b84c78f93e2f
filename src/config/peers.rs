//! `peers`: the other daemons of the same kind, with which latches and operator states are merged.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::distinct::Distinct;
use super::listen::Listening;
use super::own_name::OwnName;
use super::public_key::{self, PublicKey};
use super::reader::{Keys, Read, Value};
use super::{address, names};

/// The `peers` part of both documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeersConfig {
    /// Where this daemon listens for its peers.
    pub listen: SocketAddr,
    /// The file with this daemon's own private key: 32 bytes in base64. No other daemon has it.
    pub key_file: PathBuf,
    /// The peers by their names; never empty. In the document this daemon's own name may stand among them, so that one
    /// table can be rendered for the whole fleet; it is not here.
    pub members: BTreeMap<String, PeerConfig>,
    /// The public keys that the document lists for this daemon itself, if it stands among the members.
    pub own_keys: Option<Vec<PublicKey>>,
}

/// One peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerConfig {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its public keys: at most two, the present one and the next. Without one it is not spoken to.
    pub keys: Vec<PublicKey>,
}

/// The keys of `peers`.
pub(super) const KEYS: Keys = Keys { object: "peers", names: &["key_file", "listen", "members"] };

/// The keys of a member.
pub(super) const MEMBER_KEYS: Keys = Keys { object: "peer", names: &["address", "keys"] };

/// Reads `peers`; `own_name` is this daemon's, if it could be read.
pub(super) fn read<'a>(
    value: &Value<'a>,
    own_name: Option<&OwnName>,
    listening: &mut Listening<'a>,
) -> Read<PeersConfig> {
    let peers = value.object(&KEYS)?;
    let listen = peers.required("listen", |value| listening.claim(value));
    let key_file = peers.required("key_file", Value::file);
    let members = peers.required("members", |value| read_members(value, own_name, listen.ok()));
    let (members, own_keys) = members?;
    Ok(PeersConfig { listen: listen?, key_file: key_file?, members, own_keys })
}

type Members = (BTreeMap<String, PeerConfig>, Option<Vec<PublicKey>>);

fn read_members<'a>(value: &Value<'a>, own_name: Option<&OwnName>, listen: Option<SocketAddr>) -> Read<Members> {
    let mut addresses = Distinct::default();
    // A key opens one name: that of the member for whom it is listed.
    let mut keys = Distinct::default();
    let mut members =
        value.table(names::name, |name, _, value| {
            let member = read_member(value, &mut addresses, &mut keys)?;
            match own_name {
                Some(OwnName::Stated(own)) if name != own && listen == Some(member.address) => Err(value
                    .fault(format!("this is where this daemon listens for its peers itself; its own name is {own:?}"))),
                _ => Ok(member),
            }
        })?;
    value.at_least_one("peer")?;
    let own = own_name.and_then(|name| members.remove_entry(name.as_str()));
    match own {
        Some((own, _)) if members.is_empty() => {
            Err(value.fault(format!("needs at least one peer besides this daemon itself, {own:?}")))
        }
        own => Ok((members, own.map(|(_, own)| own.keys))),
    }
}

pub(super) fn read_member<'a>(
    value: &Value<'a>,
    addresses: &mut Distinct<'a, SocketAddr>,
    keys: &mut Distinct<'a, PublicKey>,
) -> Read<PeerConfig> {
    let member = value.object(&MEMBER_KEYS)?;
    let address =
        member.required("address", |value| addresses.claim_parsed(value, "an address and port", address::dial));
    let keys = member.required("keys", |value| public_key::read_few(value, keys));
    Ok(PeerConfig { address: address?, keys: keys? })
}
