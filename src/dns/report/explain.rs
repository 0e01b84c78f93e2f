//! `GET /explain?name=N`: what is answered for a name and why.
//!
//! Asks the answer engine itself and reads its answer, so that the explanation cannot differ from what clients get.

use std::fmt;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, RecordType};

use crate::api::dns::Explanation;
use crate::api::operator::OperatorState;
use crate::daemon::clock::Now;
use crate::dns::answer::{self, Client, Transport};
use crate::dns::compiled::{Authority, Found, Node};
use crate::dns::control::State;
use crate::dns::pool::Members;
use crate::health::Verdict;
use crate::zone::name::{self, Name};
use crate::zone::number::{CLASS_IN, rtype};

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
    /// Explains the A and AAAA of a name.
    ///
    /// # Errors
    ///
    /// It is no domain name.
    pub fn explain(&self, text: &str, now: Now) -> Result<Explanation, NotAName> {
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
            self.read_answer(&asked, qtype, &mut explanation);
        }
        let authority = |name: &Name| self.document.zones.zone_of(name, rtype::A);
        let zone_name = |name: &Name| authority(name).zone().map(|zone| name::to_text(&zone.apex));
        explanation.zone = zone_name(&asked);
        match authority(&asked) {
            Authority::Zone(_) => {}
            Authority::Unavailable => {
                explanation.because.push("its zone could not be read: SERVFAIL; see status".into())
            }
            Authority::Elsewhere => explanation.because.push("it is in none of our zones: REFUSED".into()),
        }
        let last = explanation.chain.last().and_then(|last| name::from_text(last)).and_then(|w| Name::from_wire(&w));
        match last.as_ref().map(|last| (last, self.node(last), self.node(last).and_then(Node::pool))) {
            Some((_, _, Some(id))) => self.explain_pool(id, &mut explanation, now),
            Some((last, None, _)) if explanation.zone.is_some() && zone_name(last).is_none() => {
                explanation.because.push("the chain leaves our zones; the resolver goes on from there".into());
            }
            _ => {}
        }
        if let Some(last) = explanation.chain.last() {
            let told = self.challenges.held(now.running).filter(|held| held.name == last);
            let told: Vec<String> = told.map(|held| format!("TXT: {}", held.in_words())).collect();
            explanation.because.extend(told);
        }
        Ok(explanation)
    }

    fn node(&self, name: &Name) -> Option<Node<'_>> {
        match self.document.zones.zone_of(name, rtype::A).zone()?.find(name, rtype::A) {
            Found::Node(node) => Some(node),
            _ => None,
        }
    }

    /// Asks the engine and adds what its answer says.
    fn read_answer(&self, asked: &Name, qtype: u16, explanation: &mut Explanation) {
        let mut query = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        query.extend_from_slice(asked.as_bytes());
        query.extend_from_slice(&qtype.to_be_bytes());
        query.extend_from_slice(&CLASS_IN.to_be_bytes());
        let mut buffer = vec![0; usize::from(u16::MAX)];
        let client = Client::without_cookies(Transport::Tcp { keepalive: 0 });
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
        let referred = message.authorities.iter().any(|record| record.record_type() == RecordType::NS);
        match message.metadata.response_code {
            ResponseCode::NoError if found => {}
            ResponseCode::NoError if referred => {
                explanation.because.push(format!("{kind}: delegated to other nameservers"))
            }
            ResponseCode::NoError => explanation.because.push(format!("{kind}: the name has none (NODATA)")),
            ResponseCode::NXDomain => explanation.because.push(format!("{kind}: there is no such name (NXDOMAIN)")),
            ResponseCode::Refused | ResponseCode::ServFail => {}
            other => explanation.because.push(format!("{kind}: {other}")),
        }
    }

    fn explain_pool(&self, id: u16, explanation: &mut Explanation, now: Now) {
        let Some((name, config)) = self.document.config.pools.iter().nth(id as usize) else { return };
        explanation.pool = Some(name.clone());
        explanation.because.push(format!("its addresses come from pool {name}: members that are up and ready"));
        let members = self.members(name, config, now);
        for (member, addresses) in &config.members {
            let state = members.operator(member);
            for address in &addresses.addresses {
                let answered = explanation.addresses.contains(&address.to_string());
                let reason = self.health_of(config, *address).map(|health| health.reason.to_string());
                let reason = reason.map_or(String::new(), |reason| format!(" ({reason})"));
                let verdict = members.verdict(*address);
                let but = match (answered, state, verdict) {
                    (true, OperatorState::Ready, Verdict::Up) => "answered",
                    (true, ..) => "answered all the same, by when_all_down",
                    (false, ..) => "left out",
                };
                explanation.because.push(format!("{member} {address}: {verdict}{reason}, {state}: {but}"));
            }
        }
        if let Some(policy) = self.choices.get(name).and_then(|chosen| chosen.all_down()) {
            explanation.because.push(format!("no member is up and ready: when_all_down {policy} decides"));
        }
    }
}

fn add(explanation: &mut Explanation, address: String, ttl: u32, found: &mut bool) {
    explanation.addresses.push(address);
    explanation.ttl = Some(explanation.ttl.map_or(ttl, |other| other.min(ttl)));
    *found = true;
}
