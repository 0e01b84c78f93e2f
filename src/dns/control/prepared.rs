//! A document made ready to be put in force: its zones compiled, its keys read.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::config::dns::AcmeChallengesConfig;
use crate::config::{DnsConfig, Findings};
use crate::daemon::peers::Identity;
use crate::dns::capacity::Limits;
use crate::dns::compiled::{Zone, Zones};
use crate::dns::encrypted::Terms;
use crate::dns::locality::Locations;
use crate::dns::protection::Protection;
use crate::dns::signing::{Made, Signers};
use crate::dns::transfer::Transfers;
use crate::tls::client::Connector;

/// A document, ready.
#[derive(Debug)]
pub struct Prepared {
    /// What it says.
    pub config: DnsConfig,
    /// Its zones, with the pools' names in them.
    pub zones: Arc<Zones>,
    /// The same as they are served since some of them were signed anew.
    pub renewed: ArcSwapOption<Zones>,
    /// How members are probed over TLS, each once: held, so that what they go by is read once.
    pub connectors: Vec<Arc<Connector>>,
    /// Where clients are.
    pub locations: Arc<Locations>,
    /// The limits on connections over TCP.
    pub tcp: Limits,
    /// By what connections over encrypted transports are taken; none where the document has none.
    pub encrypted: Option<Terms>,
    /// The zones whose files could not be used at the start, by apex; empty after a reload, which wants all of them.
    pub impaired: BTreeMap<String, Impaired>,
    /// What keeps the nameserver from being used against others.
    pub protection: Protection,
    /// Who gets whole zones, and by which keys other nameservers are known.
    pub transfers: Arc<Transfers>,
    /// What signs zones of it.
    pub signers: Signers,
    /// When its zones were signed, in seconds since the epoch.
    pub signed_at: u64,
    /// Of its pools, what is at hand; kept up since it is in force.
    pub at_hand: ArcSwap<AtHand>,
    /// The key by which its peers know this nameserver; none where there are no peers.
    pub identity: Option<Identity>,
    /// The key by which proxies that tell challenges know it; none where none may.
    pub challenges_identity: Option<Identity>,
}

impl Prepared {
    /// Its zones as they are served.
    pub fn served(&self) -> Arc<Zones> {
        self.renewed.load_full().unwrap_or_else(|| Arc::clone(&self.zones))
    }

    /// Serves these instead of those of the same apexes.
    pub fn renew(&self, zones: Vec<Arc<Zone>>) {
        if !zones.is_empty() {
            self.renewed.store(Some(Arc::new(self.served().replacing(zones))));
        }
    }

    /// Which proxies may tell challenges, and where those are answered.
    pub fn challenges_and_zones(&self) -> (Option<&AcmeChallengesConfig>, &Zones) {
        (self.config.acme_challenges.as_ref(), &self.zones)
    }
}

/// What the next document is made ready with, so that what its pools are answered with is signed before it is in force.
#[derive(Debug, Default)]
pub struct AtHand {
    /// By pool, what clients get that are near to nobody; nothing before the document is in force.
    pub answered: BTreeMap<String, Vec<IpAddr>>,
    /// Signatures of what pools may be answered with next, made since it is in force.
    pub ahead: Arc<Made>,
    /// Those that were made with it.
    pub prepared: Arc<Made>,
}

impl AtHand {
    /// Of a document that is not in force yet.
    pub fn prepared(made: Made) -> AtHand {
        AtHand { prepared: Arc::new(made), ..AtHand::default() }
    }
}

/// A zone whose file could not be used at the start.
#[derive(Debug)]
pub struct Impaired {
    /// What is wrong with the file.
    pub findings: Findings,
    /// How its names are answered meanwhile.
    pub instead: Instead,
}

/// How the names of a zone are answered whose file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instead {
    /// From its last good copy.
    Copy {
        /// The copy's serial.
        serial: u32,
        /// Since when the zone was as it is in the copy.
        since: SystemTime,
    },
    /// From the file all the same: it comes signed, its signatures are what is wrong, and there is no copy to serve. Resolvers that do not validate
    /// get their answers.
    AsItIs,
    /// With SERVFAIL: this is why there is no copy to serve.
    Servfail(String),
}

impl fmt::Display for Impaired {
    /// Worded to follow the zone's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.instead {
            Instead::Copy { serial, since } => {
                let since = jiff::Timestamp::try_from(*since).unwrap_or_default();
                write!(
                    f,
                    "served from its last good copy (serial {serial}, of {})",
                    since.strftime("%Y-%m-%d %H:%M:%SZ")
                )?;
            }
            Instead::AsItIs => f.write_str("served as it is, and resolvers that validate refuse it")?,
            Instead::Servfail(why) => write!(f, "answered SERVFAIL, for there is no good copy ({why})")?,
        }
        f.write_str(match &self.instead {
            Instead::AsItIs => ": its signatures are not what they must be: ",
            Instead::Copy { .. } | Instead::Servfail(_) => ": its file could not be used at the start: ",
        })?;
        match &self.findings.0[..] {
            [first, rest @ ..] if !rest.is_empty() => write!(f, "{first} (and {} more findings)", rest.len())?,
            findings => findings.iter().try_for_each(|finding| write!(f, "{finding}"))?,
        }
        f.write_str("; mend the file and reload")
    }
}
