//! Two sites of a fleet whose proxies agree by etcd, and the link between them, which can be cut.
//!
//! The last proxy stands on the far site, with one member of etcd; all the rest is here, the primary and most members among it. What
//! passes between the sites goes through relays. Called by the drill.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::addresses::{PROXIES, STORE_MEMBERS};
use super::documents::{STATEFUL, proxy_name, stateful_name};
use super::fleet::Fleet;
use super::relay::Relay;
use super::store::Store;
use super::{Error, Programs};

/// The proxy on the far site.
pub const FAR: usize = PROXIES - 1;
/// The member of etcd there.
const FAR_MEMBER: usize = STORE_MEMBERS - 1;
/// How long a proxy serves a stateful service without a word from etcd. Longer than a busy machine takes for an answer.
pub const LEASE: Duration = Duration::from_secs(5);

/// The sites; everything is as before when this is dropped, but for the documents.
pub struct Sites {
    store: Store,
    /// To each proxy's peers' channel from the other site.
    peers: Vec<Relay>,
    /// To the members here from the far site.
    members: Vec<Relay>,
}

impl Sites {
    /// Starts etcd and the links. Must be called within a `LocalSet`.
    ///
    /// # Errors
    ///
    /// etcd cannot be started.
    pub async fn build(fleet: &Fleet) -> Result<Sites, Error> {
        let (addresses, folder) = (&fleet.addresses, fleet.folder().join("etcd"));
        let started = Store::start(&Programs::beside_this_one()?.polder, &folder, addresses);
        let store = started.map_err(Error::io("three members of etcd cannot be started"))?;
        let peers: Vec<SocketAddr> = (0..PROXIES).map(|proxy| addresses.proxy_peer(proxy)).collect();
        let members = links(&store.clients()[..FAR_MEMBER]).await?;
        Ok(Sites { peers: links(&peers).await?, members, store })
    }

    /// The document of a proxy that stands on one of the sites.
    pub fn place(&self, proxy: usize, document: &mut Value) {
        for other in (0..PROXIES).filter(|other| (*other == FAR) != (proxy == FAR)) {
            document["peers"]["members"][proxy_name(other)]["address"] = json!(self.peers[other].address());
        }
        let mut members = self.store.clients().to_vec();
        if proxy == FAR {
            members.iter_mut().zip(&self.members).for_each(|(member, link)| *member = link.address());
        }
        let endpoints: Vec<String> = members.iter().map(|member| format!("http://{member}")).collect();
        let lease = format!("{}s", LEASE.as_secs());
        document["agreement"] = json!({ "engine": "etcd", "endpoints": endpoints, "lease": lease });
        document["services"][STATEFUL]["without_agreement"] = json!("stop");
    }

    /// Cuts the link between the sites, or heals it.
    ///
    /// # Errors
    ///
    /// The primary cannot be told.
    pub async fn cut(&self, fleet: &mut Fleet, is_cut: bool) -> Result<(), Error> {
        self.peers.iter().chain(&self.members).for_each(|link| link.cut(is_cut));
        // Alone it is good for nothing: to the far proxy, and to the members here, it is as if it were gone.
        self.store.freeze(FAR_MEMBER, is_cut).await;
        fleet.blind(&stateful_name(0), FAR, is_cut).await
    }
}

async fn links(targets: &[SocketAddr]) -> Result<Vec<Relay>, Error> {
    let mut links = Vec::new();
    for target in targets {
        links.push(Relay::to(*target).await.map_err(Error::io("no link between the sites"))?);
    }
    Ok(links)
}
