//! `GET /explain?name=N`, with `&from=ADDRESS` for a client: what is answered for a name and why.
//!
//! Asks the answer engine itself and reads its answer, so that the explanation cannot differ from what clients get.

mod signatures;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, RecordType};

use crate::api::dns::Explanation;
use crate::api::operator::OperatorState;
use crate::config::dns::PoolConfig;
use crate::config::near_miss::did_you_mean;
use crate::counted::listed;
use crate::daemon::clock::Now;
use crate::dns::answer::{self, Client, Transport};
use crate::dns::compiled::{Authority, Found, Node};
use crate::dns::control::State;
use crate::dns::control::choices::Choices;
use crate::dns::cookie::Issuer;
use crate::dns::pool::{By, Members, near};
use crate::health::Verdict;
use crate::unix_time::{since, to_unix_ms};
use crate::zone::name::{self, Name};
use crate::zone::number::{CLASS_IN, rtype};

/// An OPT record that asks for signatures (RFC 6891, 6.1.2 and 6.1.4).
const OPT_WITH_DO: [u8; 11] = [0, 0, 41, 0xff, 0xff, 0, 0, 0x80, 0, 0, 0];

/// What was asked for is no domain name.
#[derive(Debug, PartialEq, Eq)]
pub struct NotAName(String);

impl fmt::Display for NotAName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is not a domain name", self.0)
    }
}

impl std::error::Error for NotAName {}

impl State {
    /// Explains the A and AAAA of a name, to a client at an address, or to one of whom nothing is known.
    ///
    /// # Errors
    ///
    /// It is no domain name.
    pub fn explain(&self, text: &str, from: Option<IpAddr>, now: Now) -> Result<Explanation, NotAName> {
        let Some(asked) = name::from_text(text).and_then(|wire| Name::from_wire(&wire)) else {
            return Err(NotAName(text.to_owned()));
        };
        let mut explanation = Explanation {
            zone: None,
            chain: vec![name::to_text(asked.as_bytes())],
            pool: None,
            addresses: Vec::new(),
            ttl: None,
            because: Vec::new(),
        };
        for qtype in [rtype::A, rtype::AAAA] {
            self.read_answer(&asked, qtype, from, &mut explanation);
        }
        let authority = |name: &Name| self.zones.zone_of(name, rtype::A);
        let zone_name = |name: &Name| authority(name).zone().map(|zone| name::to_text(&zone.apex));
        explanation.zone = zone_name(&asked);
        match authority(&asked) {
            Authority::Zone(zone) => {
                let apex = name::to_text(&zone.apex);
                explanation.because.extend(self.secondary_in_words(&apex, now));
                explanation.because.extend(self.catalog_in_words(&apex).or_else(|| self.consumed_in_words(&apex)));
            }
            Authority::Unavailable { .. } => {
                let why = match self.unavailable_in_words(&asked, now) {
                    Some(words) => format!("its zone is not served: SERVFAIL; {words}"),
                    None => "its zone could not be read: SERVFAIL; see status".to_owned(),
                };
                explanation.because.push(why);
            }
            Authority::Elsewhere => {
                let meant = self.meant(&explanation.chain[0]);
                explanation.because.push(format!("it is in none of our zones: REFUSED{meant}"));
            }
        }
        let last = explanation.chain.last().and_then(|last| name::from_text(last)).and_then(|w| Name::from_wire(&w));
        match last.as_ref().map(|last| (last, self.node(last), self.node(last).and_then(Node::pool))) {
            Some((_, _, Some(id))) => self.explain_pool(id, from, &mut explanation, now),
            Some((last, None, _)) if explanation.zone.is_some() && zone_name(last).is_none() => {
                explanation.because.push("the chain leaves our zones; the resolver goes on from there".into());
            }
            _ => {}
        }
        if let Some(last) = explanation.chain.last() {
            let told = self.challenges_held(now).filter(|held| held.name == *last);
            let told: Vec<String> = told.map(|held| format!("TXT: {}", held.in_words())).collect();
            explanation.because.extend(told);
        }
        Ok(explanation)
    }

    /// Why a zone of other nameservers is not served.
    fn unavailable_in_words(&self, asked: &Name, now: Now) -> Option<String> {
        name::upward(asked.as_bytes())
            .map(name::to_text)
            .find_map(|apex| self.secondary_in_words(&apex, now).or_else(|| self.catalog_in_words(&apex)))
    }

    /// The pool or zone that an unknown name was probably meant to be. The names in zones are not looked through: there may be millions.
    fn meant(&self, name: &str) -> String {
        let config = &self.document.config;
        did_you_mean(name, config.pools.keys().chain(config.zones.keys()).map(String::as_str))
    }

    fn node(&self, name: &Name) -> Option<Node<'_>> {
        match self.zones.zone_of(name, rtype::A).zone()?.find(name, rtype::A) {
            Found::Node(node) => Some(node),
            _ => None,
        }
    }

    /// Asks the engine and adds what its answer says.
    fn read_answer(&self, asked: &Name, qtype: u16, from: Option<IpAddr>, explanation: &mut Explanation) {
        let mut query = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
        query.extend_from_slice(asked.as_bytes());
        query.extend_from_slice(&qtype.to_be_bytes());
        query.extend_from_slice(&CLASS_IN.to_be_bytes());
        query.extend_from_slice(&OPT_WITH_DO);
        let mut buffer = vec![0; usize::from(u16::MAX)];
        let secrets = &self.document.protection.secrets;
        let issuer = from.map(|address| Issuer { secrets, address, now: 0 });
        let client = Client { transport: Transport::Tcp { keepalive: 0 }, issuer };
        let answered = answer::answer(&query, &self.snapshot, &client, 0, &mut buffer);
        let Some(message) = answered.and_then(|answered| Message::from_vec(&buffer[..answered.length]).ok()) else {
            return;
        };
        let kind = if qtype == rtype::A { "A" } else { "AAAA" };
        let mut found = false;
        for record in &message.answers {
            match &record.data {
                RData::CNAME(target) if qtype == rtype::A => {
                    let target = target.0.to_ascii().trim_end_matches('.').to_ascii_lowercase();
                    explanation.chain.push(target);
                }
                RData::A(address) => add(explanation, address.0.to_string(), record.ttl, &mut found),
                RData::AAAA(address) => add(explanation, address.0.to_string(), record.ttl, &mut found),
                _ => {}
            }
        }
        for line in signatures::in_words(&message) {
            // The SOA denies both A and AAAA.
            if !explanation.because.contains(&line) {
                explanation.because.push(line);
            }
        }
        let referred = message.authorities.iter().any(|record| record.record_type() == RecordType::NS);
        match message.metadata.response_code {
            ResponseCode::NoError if found => {}
            ResponseCode::NoError if referred => {
                explanation.because.push(format!("{kind}: delegated to other nameservers"))
            }
            ResponseCode::NoError => explanation.because.push(format!("{kind}: the name has none (NODATA)")),
            ResponseCode::NXDomain => {
                let meant = self.meant(&name::to_text(asked.as_bytes()));
                explanation.because.push(format!("{kind}: there is no such name (NXDOMAIN){meant}"));
            }
            ResponseCode::Refused | ResponseCode::ServFail => {}
            other => explanation.because.push(format!("{kind}: {other}")),
        }
    }

    fn explain_pool(&self, id: u16, from: Option<IpAddr>, explanation: &mut Explanation, now: Now) {
        let Some((name, config)) = self.document.config.pools.iter().nth(id as usize) else { return };
        explanation.pool = Some(name.clone());
        explanation.because.push(format!("its addresses come from pool {name}: members that are up and ready"));
        let members = self.members(name, config, now);
        let chosen = self.choices.get(name);
        let by = |address: IpAddr| chosen.map(|chosen| chosen.of(address).by).unwrap_or_default();
        let is_chosen = |address| chosen.is_some_and(|chosen| chosen.of(address).addresses.contains(&address));
        for (member, addresses) in &config.members {
            let state = members.operator(member);
            let note = self.operator.0.get(&format!("{name}/{member}")).filter(|note| note.state == state);
            let said = match note.filter(|_| state != OperatorState::Ready) {
                Some(note) => note.since_in_words(now.unix_ms),
                None => state.to_string(),
            };
            for address in &addresses.addresses {
                let answered = explanation.addresses.contains(&address.to_string());
                let verdict = members.verdict(*address);
                let checked = self.health_of(config, *address).filter(|_| verdict != Verdict::Unchecked);
                let checked = checked.map_or_else(String::new, |health| {
                    format!(" since {} ({})", since(to_unix_ms(health.since), now.unix_ms), health.reason)
                });
                let but = match (answered, verdict) {
                    (true, Verdict::Up) => "answered",
                    (true, _) => all_the_same(by(*address)),
                    (false, _) if is_chosen(*address) => "answered to clients elsewhere",
                    (false, _) => "left out",
                };
                explanation.because.push(format!("{member} {address}: {verdict}{checked}, {said}: {but}"));
            }
        }
        if chosen.is_some_and(|chosen| chosen.is_decided(By::Peers)) {
            explanation.because.push(match self.isolated_in_words(name, now) {
                Some(words) => format!("this nameserver is isolated from {words}: what they see up is answered"),
                None => {
                    "no member is up by the checks of this nameserver, and what its peers see up is answered".into()
                }
            });
        }
        explanation.because.extend(self.near_in_words(id, (name, config), chosen, from));
        explanation.because.extend(self.kept_in_words(name));
        explanation.because.extend(self.nobody(name, config, now));
    }

    /// What clients in locations are answered instead, where some members are near to them; or this client.
    fn near_in_words(
        &self,
        id: u16,
        (pool_name, pool): (&str, &PoolConfig),
        chosen: Option<&Choices>,
        from: Option<IpAddr>,
    ) -> Vec<String> {
        let Some(answer) = self.snapshot.pools.get(usize::from(id)) else { return Vec::new() };
        let names: Vec<&str> = self.document.config.locations.keys().map(String::as_str).collect();
        let with_members = near::locations(pool);
        let place =
            from.map(|address| (address, self.document.locations.find(address.to_canonical(), u8::MAX).location));
        let is_asked = |id| place.is_none_or(|(_, location)| location == Some(id));
        let locations = (0..).zip(&names).filter(|(id, name)| is_asked(*id) && with_members.contains(**name));
        let in_words = locations.map(|(id, name)| {
            if !answer.near.iter().any(|(near, _)| *near == id) {
                let least = pool.nearby_at_least;
                return format!("clients in {name} get what all get: members there are answered alone where {least} of them at least are up");
            }
            let near = chosen.map(|chosen| self.near((pool_name, pool), name, chosen)).unwrap_or_default();
            format!("clients in {name}, to whom some members are near, get {}", listed(near))
        });
        let nowhere = place.filter(|(_, location)| location.is_none() && !with_members.is_empty());
        let nowhere = nowhere.map(|(address, _)| format!("{address} is in none of the document's locations"));
        in_words.chain(nowhere).collect()
    }

    /// Why `when_all_down` decides what a pool answers, if it does, and what comes of it.
    pub(super) fn nobody(&self, name: &str, config: &PoolConfig, now: Now) -> Option<String> {
        let chosen = self.choices.get(name)?;
        let policy = chosen.all_down()?;
        let members = self.members(name, config, now);
        let mut causes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (member, addresses) in &config.members {
            let is = |verdict| addresses.addresses.iter().any(|address| members.verdict(*address) == verdict);
            let verdicts = [Verdict::Up, Verdict::Down].into_iter().find(|verdict| is(*verdict));
            let verdict = verdicts.unwrap_or(Verdict::Unchecked);
            let cause = match members.operator(member) {
                OperatorState::Ready if verdict == Verdict::Up => continue,
                OperatorState::Ready => verdict.to_string(),
                state => format!("{verdict} and in {state}"),
            };
            causes.entry(cause).or_default().push(member);
        }
        let causes = causes.into_iter().map(|(cause, members)| format!("{} {cause}", members.join(", ")));
        let causes = causes.collect::<Vec<_>>().join("; ");
        let answer = match chosen.addresses().next() {
            Some(_) => format!("when_all_down: {policy} decides the answer"),
            None if policy == "empty" => "when_all_down: empty leaves no address to answer".to_owned(),
            None => format!(
                "when_all_down: {policy} finds no address to answer, since an operator's drain and maint count for it too"
            ),
        };
        Some(format!("no member is both up and ready ({causes}), and {answer}"))
    }
}

/// Why an address is answered that our checks do not find up.
fn all_the_same(by: By) -> &'static str {
    match by {
        By::Peers => "answered all the same: peers see it up",
        By::Kept { .. } => "answered all the same: it was before the outage",
        By::FollowsA => "answered as the A of this member: the nameserver has no IPv6 of its own",
        By::Checks => "answered until it is known whether others fall with it",
        By::AllDown(_) => "answered all the same, by when_all_down",
    }
}

fn add(explanation: &mut Explanation, address: String, ttl: u32, found: &mut bool) {
    explanation.addresses.push(address);
    explanation.ttl = Some(explanation.ttl.map_or(ttl, |other| other.min(ttl)));
    *found = true;
}
