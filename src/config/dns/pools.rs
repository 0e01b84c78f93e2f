//! `pools` of `dns.json`: names whose addresses are the proxies in them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::locations::LocationsConfig;
use super::zones::ZoneConfig;
use crate::config::check::{self, CheckConfig, CheckOf};
use crate::config::distinct::Distinct;
use crate::config::fingerprint::Fingerprint;
use crate::config::reader::{Keys, Location, Read, Value};
use crate::config::{address, defaults, names};

/// One pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolConfig {
    /// Of all that stands under its key.
    pub fingerprint: Fingerprint,
    /// Of its A and AAAA, in seconds. Default 300.
    pub ttl: u32,
    /// Further owners that answer from this pool, lower case, without the final dot.
    pub aliases: Vec<String>,
    /// What is answered when no member is up.
    pub when_all_down: WhenAllDown,
    /// For how long the last answer is kept before that, where no peer is heard who could say more; zero: not at all. Default 10 min.
    pub keep_answer: Duration,
    /// The members by name; never empty.
    pub members: BTreeMap<String, MemberConfig>,
    /// How each address is probed.
    pub check: CheckConfig,
    /// The HTTPS record beside its addresses; none: the zone's own, if it has one.
    pub https: Option<HttpsConfig>,
    /// From how many members on those that are near to a client are answered alone. Default 2: a client whose one address has failed goes to
    /// the other one, where one alone would leave it with none for as long as resolvers keep it.
    pub nearby_at_least: usize,
}

/// What the HTTPS record of a pool says besides addresses (RFC 9460).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpsConfig {
    /// The protocols besides HTTP/1.1, those that are preferred first. Default `["h2"]`.
    pub alpn: Vec<String>,
    /// The port; none: 443.
    pub port: Option<u16>,
}

/// The answer when no member of an RRset is up. Judged for A and AAAA apart; members that the operator has set to
/// drain or maint are left out of every one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhenAllDown {
    /// `"all"` (the default): every member, as configured.
    All,
    /// `"last"`: the members of the last answer that was not empty.
    Last,
    /// `"empty"`: no address.
    Empty,
    /// `{ "fallback": ["192.0.2.1", …] }`: these addresses.
    Fallback(Vec<IpAddr>),
}

impl WhenAllDown {
    /// As it is called in status and explanations.
    pub fn name(&self) -> &'static str {
        match self {
            WhenAllDown::All => "all",
            WhenAllDown::Last => "last",
            WhenAllDown::Empty => "empty",
            WhenAllDown::Fallback(_) => "fallback",
        }
    }
}

/// One proxy in a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberConfig {
    /// Never empty; distinct within the pool.
    pub addresses: Vec<IpAddr>,
    /// The protocols that it speaks besides HTTP/1.1; none: those of the pool.
    pub alpn: Option<Vec<String>>,
    /// Where it is, of the document's locations; none: near to nobody.
    pub location: Option<String>,
}

/// The keys of a pool.
pub(super) const KEYS: Keys = Keys {
    object: "pools.NAME",
    names: &["aliases", "check", "https", "keep_answer", "members", "nearby_at_least", "ttl", "when_all_down"],
};
pub(super) const FALLBACK: Keys = Keys { object: "pools.NAME.when_all_down", names: &["fallback"] };
pub(super) const MEMBER: Keys = Keys { object: "pools.NAME.members.NAME", names: &["addresses", "alpn", "location"] };
pub(super) const HTTPS: Keys = Keys { object: "pools.NAME.https", names: &["alpn", "port"] };

const TTL: RangeInclusive<u32> = 0..=86_400;
const NEARBY_AT_LEAST: RangeInclusive<usize> = 1..=100;
/// Zero keeps nothing.
const KEEP_ANSWER: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(86_400);

/// Reads the pools; `zones` and `locations` as far as they could be read.
pub(super) fn read(
    value: &Value<'_>,
    zones: Option<&BTreeMap<String, ZoneConfig>>,
    locations: Option<&LocationsConfig>,
) -> Read<BTreeMap<String, PoolConfig>> {
    let mut owners = Owners { zones, taken: Distinct::default() };
    value.table(names::pool_owner, |name, location, value| {
        let own = owners.take(name, location);
        let pool = read_pool(value, &mut owners, locations);
        own.and(pool)
    })
}

/// The names that answer from pools: each inside a zone and in one pool only.
#[derive(Debug)]
struct Owners<'z, 'a> {
    zones: Option<&'z BTreeMap<String, ZoneConfig>>,
    taken: Distinct<'a, String>,
}

impl<'a> Owners<'_, 'a> {
    fn take(&mut self, name: &str, location: &Location<'a>) -> Read<()> {
        let once = self.taken.claim(name.to_owned(), location, &format!("the name {name}"));
        match self.zones {
            Some(zones) if !zones.keys().any(|apex| lies_inside(name, apex)) => {
                Err(location.fault(format!("{name} lies in none of this document's zones{}", listed(zones))))
            }
            Some(zones) if has_no_file(name, zones) => {
                let message = "lies in a zone that has no file (it comes from other nameservers, or is a catalog): a pool's names are in zones with one";
                Err(location.fault(format!("{name} {message}")))
            }
            _ => once,
        }
    }
}

/// Whether the deepest zone around a name comes from no file.
fn has_no_file(name: &str, zones: &BTreeMap<String, ZoneConfig>) -> bool {
    let around = zones.iter().filter(|(apex, _)| lies_inside(name, apex));
    around.max_by_key(|(apex, _)| apex.len()).is_some_and(|(_, zone)| zone.file().is_none())
}

/// The zones by name, if they are few.
fn listed(zones: &BTreeMap<String, ZoneConfig>) -> String {
    match zones.len() {
        0..=8 => format!(": {}", zones.keys().map(String::as_str).collect::<Vec<_>>().join(", ")),
        _ => String::new(),
    }
}

fn lies_inside(name: &str, apex: &str) -> bool {
    apex == "." || name.strip_suffix(apex).is_some_and(|front| front.is_empty() || front.ends_with('.'))
}

fn read_pool<'a>(
    value: &Value<'a>,
    owners: &mut Owners<'_, 'a>,
    locations: Option<&LocationsConfig>,
) -> Read<PoolConfig> {
    let pool = value.object(&KEYS)?;
    let ttl = pool.with_default("ttl", defaults::POOL_TTL, |value| value.integer(TTL));
    let aliases = pool.with_default("aliases", Vec::new(), |value| {
        value.list("domain names", |value| {
            let alias = value.parsed("a domain name", names::pool_owner)?;
            owners.take(&alias, &value.location)?;
            Ok(alias)
        })
    });
    let when_all_down = pool.with_default("when_all_down", WhenAllDown::All, read_when_all_down);
    let keep_answer = pool.with_default("keep_answer", defaults::KEEP_ANSWER, |value| value.duration(KEEP_ANSWER));
    let https = pool.optional("https", read_https);
    let nearby_at_least =
        pool.with_default("nearby_at_least", defaults::NEARBY_AT_LEAST, |value| value.integer(NEARBY_AT_LEAST));
    let members = pool.required("members", |value| read_members(value, locations));
    let check = pool.required("check", |value| check::read(value, CheckOf::Member, None));
    Ok(PoolConfig {
        fingerprint: value.fingerprint(),
        ttl: ttl?,
        aliases: aliases?,
        when_all_down: when_all_down?,
        keep_answer: keep_answer?,
        members: members?,
        check: check?,
        https: https?,
        nearby_at_least: nearby_at_least?,
    })
}

fn read_when_all_down(value: &Value<'_>) -> Read<WhenAllDown> {
    if value.is_object() {
        let policy = value.object(&FALLBACK)?;
        return policy
            .required("fallback", |value| read_addresses(value, &mut Distinct::default()))
            .map(WhenAllDown::Fallback);
    }
    let text = value.text("\"all\", \"last\", \"empty\" or {\"fallback\": [addresses]}")?;
    match text {
        "all" => Ok(WhenAllDown::All),
        "last" => Ok(WhenAllDown::Last),
        "empty" => Ok(WhenAllDown::Empty),
        _ => Err(value
            .fault(format!("{text:?} is not one of \"all\", \"last\", \"empty\" or {{\"fallback\": [addresses]}}"))),
    }
}

fn read_members(value: &Value<'_>, locations: Option<&LocationsConfig>) -> Read<BTreeMap<String, MemberConfig>> {
    let mut addresses = Distinct::default();
    let members = value.table(names::name, |_, _, value| {
        let member = value.object(&MEMBER)?;
        let addresses = member.required("addresses", |value| read_addresses(value, &mut addresses));
        let alpn = member.optional("alpn", read_protocols);
        let location = member.optional("location", |value| read_location(value, locations));
        Ok(MemberConfig { addresses: addresses?, alpn: alpn?, location: location? })
    })?;
    value.at_least_one("member")?;
    Ok(members)
}

/// The name of a location of the document.
fn read_location(value: &Value<'_>, locations: Option<&LocationsConfig>) -> Read<String> {
    let name = value.parsed("the name of a location", names::name)?;
    match locations {
        Some(locations) if !locations.contains_key(&*name) => {
            let known: Vec<&str> = locations.keys().map(String::as_str).collect();
            let known =
                if known.is_empty() { "there is none".to_owned() } else { format!("there are {}", known.join(", ")) };
            Err(value.fault(format!("\"{name}\" is none of the document's locations: {known}")))
        }
        // What is wrong with them is told already.
        _ => Ok(name),
    }
}

fn read_addresses<'a>(value: &Value<'a>, distinct: &mut Distinct<'a, IpAddr>) -> Read<Vec<IpAddr>> {
    let addresses = value.list("addresses", |value| distinct.claim_parsed(value, "an address", address::host))?;
    value.at_least_one("address")?;
    Ok(addresses)
}

/// Names of protocols as TLS has them (RFC 7301), of which HTTP/1.1 is always one.
const PROTOCOLS: [&str; 2] = ["h2", "h3"];

fn read_https(value: &Value<'_>) -> Read<HttpsConfig> {
    let https = value.object(&HTTPS)?;
    let alpn = https.with_default("alpn", vec!["h2".to_owned()], read_protocols);
    let port = https.optional("port", |value| value.integer(1..=u16::MAX));
    Ok(HttpsConfig { alpn: alpn?, port: port? })
}

fn read_protocols(value: &Value<'_>) -> Read<Vec<String>> {
    let mut distinct = Distinct::default();
    value.list("protocols", |value| {
        distinct.claim_parsed(value, "\"h2\" or \"h3\"", |text| match PROTOCOLS.contains(&text) {
            true => Ok(text.to_owned()),
            false => Err(format!("{text:?} is not one of them; HTTP/1.1 goes without saying")),
        })
    })
}
