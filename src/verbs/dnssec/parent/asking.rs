//! Finds the nameservers of a zone's parent, and asks each of them for the zone's DS.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record};

use super::view::{Asked, Ds, DsSet, Parent};
use crate::health::dns_query::Question;
use crate::push::error::Error;
use crate::zone::name;
use crate::zone::number::rtype;

/// How the parent of a zone is asked.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ParentArgs {
    /// A nameserver of the zone above that is asked for the DS, instead of all that are found (may be repeated)
    #[arg(long = "parent", value_name = "ADDRESS", value_parser = server)]
    pub servers: Vec<SocketAddr>,
    /// A resolver that is asked for the nameservers of the zone above, instead of those of /etc/resolv.conf (may be repeated)
    #[arg(long = "resolver", value_name = "ADDRESS", value_parser = server, conflicts_with = "servers")]
    pub resolvers: Vec<SocketAddr>,
}

/// The port of nameservers (RFC 1035, 4.2).
const PORT: u16 = 53;

/// How long all of it may take: what is not known by then is not waited for. A question that was begun ends within two seconds.
const LIMIT: Duration = Duration::from_secs(10);

/// How many resolvers of a machine are asked (MAXNS of resolv.conf).
const MOST_RESOLVERS: usize = 3;

/// How many nameservers of a parent are asked: `net` has 13.
const MOST_NAMESERVERS: usize = 20;

fn server(text: &str) -> Result<SocketAddr, Error> {
    let bare = text.parse().map(|address| SocketAddr::new(address, PORT));
    bare.or_else(|_| text.parse()).map_err(|_| {
        Error::new("expected an address, such as 192.0.2.53, or one with a port, such as [2001:db8::53]:5353")
    })
}

/// What the parent of a zone has of it, by all of its nameservers.
///
/// # Errors
///
/// The parent or its nameservers could not be found.
pub(in crate::verbs::dnssec) fn ask(args: &ParentArgs, zone: &str) -> Result<Parent, Error> {
    let ends = Instant::now() + LIMIT;
    if !args.servers.is_empty() {
        let ask = |server: SocketAddr| move || Asked::new(server.to_string(), ds_at(server, zone));
        return Ok(Parent { zone: None, nameservers: at_once(args.servers.iter().copied().map(ask).collect()) });
    }
    let resolvers = if args.resolvers.is_empty() { of_this_machine()? } else { args.resolvers.clone() };
    let resolver = Resolver { resolvers, ends };
    let parent = resolver.parent_of(zone)?;
    let names = resolver.nameservers_of(&parent)?;
    let resolver = &resolver;
    let ask = |name: String| move || Asked::new(name.clone(), resolver.ds_at_any_address(&name, zone));
    let nameservers = at_once(names.into_iter().take(MOST_NAMESERVERS).map(ask).collect());
    Ok(Parent { zone: Some(parent), nameservers })
}

/// Does all at once; the results in the order of the tasks.
fn at_once<T: Send>(tasks: Vec<impl FnOnce() -> T + Send>) -> Vec<T> {
    thread::scope(|scope| {
        let running: Vec<_> = tasks.into_iter().map(|task| scope.spawn(task)).collect();
        running.into_iter().filter_map(|task| task.join().ok()).collect()
    })
}

/// The resolvers that this machine asks (resolv.conf(5)).
fn of_this_machine() -> Result<Vec<SocketAddr>, Error> {
    const FILE: &str = "/etc/resolv.conf";
    let text = fs::read_to_string(FILE).map_err(|error| Error::at(FILE, error).remedy(REMEDY))?;
    let resolvers = resolvers_in(&text);
    if resolvers.is_empty() {
        return Err(Error::at(FILE, "names no resolver").remedy(REMEDY));
    }
    Ok(resolvers)
}

/// How else the parent is found.
const REMEDY: &str = "name a resolver with --resolver, or nameservers of the zone above with --parent";

fn resolvers_in(text: &str) -> Vec<SocketAddr> {
    let named = text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let address = words.next().filter(|word| *word == "nameserver").and(words.next())?;
        address.parse::<IpAddr>().ok()
    });
    named.map(|address| SocketAddr::new(address, PORT)).take(MOST_RESOLVERS).collect()
}

/// Resolvers, and until when they are asked.
struct Resolver {
    resolvers: Vec<SocketAddr>,
    ends: Instant,
}

impl Resolver {
    /// What the first one says that says anything.
    fn ask(&self, name: &str, rtype: u16) -> Result<Message, Error> {
        let question = Question::new(name, rtype).map_err(|error| Error::at(name, error))?.with_recursion();
        let mut why = "no time is left to ask".to_owned();
        for resolver in &self.resolvers {
            if Instant::now() >= self.ends {
                break;
            }
            match question.ask_for_message(*resolver) {
                Ok(message) => match message.metadata.response_code {
                    ResponseCode::NoError | ResponseCode::NXDomain => return Ok(message),
                    code => why = format!("{resolver} answers {code}"),
                },
                Err(error) => why = format!("{resolver}: {error}"),
            }
        }
        Err(Error::new(format!("no resolver tells of {name}: {why}")).remedy(REMEDY))
    }

    /// The zone above: the next name upward that has an SOA of its own.
    fn parent_of(&self, zone: &str) -> Result<String, Error> {
        let wire = name::from_text(zone).ok_or_else(|| Error::at(zone, "is not a domain name"))?;
        for above in name::upward(&wire).skip(1) {
            let above = name::to_text(above);
            if above == "." {
                break;
            }
            let message = self.ask(&above, rtype::SOA)?;
            let is_own = |record: &&Record| matches!(record.data, RData::SOA(_)) && text(&record.name) == above;
            if message.answers.iter().any(|record| is_own(&record)) {
                return Ok(above);
            }
        }
        Ok(".".to_owned())
    }

    fn nameservers_of(&self, zone: &str) -> Result<BTreeSet<String>, Error> {
        let message = self.ask(zone, rtype::NS)?;
        let names: BTreeSet<String> = message
            .answers
            .iter()
            .filter_map(|record| if let RData::NS(target) = &record.data { Some(text(&target.0)) } else { None })
            .collect();
        if names.is_empty() {
            return Err(Error::new(format!("the zone above, {zone}, has no NS records as the resolver knows it"))
                .remedy(REMEDY));
        }
        Ok(names)
    }

    /// What the first address of a nameserver says that says anything.
    fn ds_at_any_address(&self, nameserver: &str, zone: &str) -> Result<DsSet, String> {
        let mut why = "it has no address".to_owned();
        for family in [rtype::A, rtype::AAAA] {
            let message = match self.ask(nameserver, family) {
                Ok(message) => message,
                Err(error) => {
                    why = error.to_string();
                    continue;
                }
            };
            for address in message.answers.iter().filter_map(|record| record.data.ip_addr()) {
                if Instant::now() >= self.ends {
                    return Err("no time was left to ask it".to_owned());
                }
                match ds_at(SocketAddr::new(address, PORT), zone) {
                    Ok(set) => return Ok(set),
                    Err(error) => why = format!("{address}: {error}"),
                }
            }
        }
        Err(why)
    }
}

/// What a nameserver of the parent has of a zone (RFC 4035, 3.1.4.1).
fn ds_at(server: SocketAddr, zone: &str) -> Result<DsSet, String> {
    let question = Question::new(zone, rtype::DS).map_err(|error| error.to_string())?;
    let message = question.ask_for_message(server).map_err(|error| error.to_string())?;
    set_in(&message, zone)
}

fn set_in(message: &Message, zone: &str) -> Result<DsSet, String> {
    match message.metadata.response_code {
        ResponseCode::NoError => {}
        code => return Err(format!("it answers {code}")),
    }
    // Without it, it comes from a cache, or refers to somebody else.
    if !message.metadata.authoritative {
        return Err("it is not a nameserver of the zone above: it answers without authority".to_owned());
    }
    let of_zone = message.answers.iter().filter(|record| text(&record.name) == zone);
    let sets = of_zone.filter_map(|record| match &record.data {
        RData::Unknown { code, rdata } if u16::from(*code) == rtype::DS => {
            Some((Ds::read(&rdata.anything)?, record.ttl))
        }
        _ => None,
    });
    let sets: Vec<(Ds, u32)> = sets.collect();
    // A nameserver of the zone itself that has not the one above says that there is nothing, in the name of the zone.
    let is_by_zone = message.authorities.iter().any(|record| text(&record.name) == zone);
    if sets.is_empty() && is_by_zone {
        return Err("it is a nameserver of the zone itself, and not of the one above".to_owned());
    }
    let ttl = sets.iter().map(|(_, ttl)| *ttl).max();
    Ok(DsSet { ds: sets.into_iter().map(|(ds, _)| ds).collect(), ttl })
}

/// A name as zones are named here: in lower case, without the final dot.
fn text(name: &hickory_proto::rr::Name) -> String {
    let text = name.to_ascii().to_ascii_lowercase();
    if text.len() > 1 { text.trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests;
