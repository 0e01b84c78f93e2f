//! A nameserver: the control core, the files of its disk, and a clock that is not quite right.

use std::collections::BTreeSet;

use tempfile::TempDir;

use super::super::signing::{perform, perform_ahead};
use super::super::*;
use super::response::Response;
use crate::config::dns::{Denial, DnssecConfig, SerialRule};
use crate::dns::answer::{Client, Transport, answer};
use crate::dns::compiled::Zones;
use crate::dns::signing::{ZoneSigner, fixture, sign_zone};
use crate::dnssec::read_keys;
use crate::zone::name;

pub const APEX: &str = "example.net";

/// When every sequence begins, in seconds since the epoch: a full hour of the year 2026.
pub const START: u64 = 498_000 * 3600;

/// How the zone is signed, alike on all nameservers.
#[derive(Debug, Clone, Copy)]
pub struct Signing {
    pub lifetime: u64,
    pub ttl: u32,
    pub denial: Denial,
}

pub struct Nameserver {
    pub name: String,
    pub keys: TempDir,
    signing: Signing,
    /// How far its clock is ahead, in seconds.
    skew: i64,
    /// The zone's file.
    pub text: String,
    /// Members that its checks find up.
    up: [bool; 2],
    /// None while it is down.
    state: Option<State>,
}

fn signed(config: Arc<Prepared>, signer: ZoneSigner, now: u64, before: Option<&Zones>) -> Arc<Prepared> {
    let mut prepared = Arc::into_inner(config).unwrap();
    let zone = prepared.zones.get(signer.apex()).unwrap();
    let before = before.and_then(|before| before.get(signer.apex())).unwrap_or(zone);
    let signatures = sign_zone(zone, &signer.at(now), Some(before)).unwrap();
    prepared.zones = Arc::new(prepared.zones.replacing([Arc::new(zone.signed(Arc::new(signatures)))]));
    (prepared.signed_at, prepared.signers) = (now, [signer].into_iter().collect());
    Arc::new(prepared)
}

impl Nameserver {
    pub fn new(name: &str, signing: Signing, skew: i64, text: String) -> Nameserver {
        let keys = tempfile::tempdir().unwrap();
        Nameserver { name: name.to_owned(), keys, signing, skew, text, up: [true; 2], state: None }
    }

    pub fn is_up(&self) -> bool {
        self.state.is_some()
    }

    fn now(&self, time: u64) -> Now {
        let unix_ms = (time * 1000).saturating_add_signed(self.skew * 1000);
        Now { running: Duration::from_secs(time - START + 3600), unix_ms }
    }

    /// Its document, with the files of its disk.
    fn prepared(&self, time: u64) -> Arc<Prepared> {
        let apex = name::from_text(APEX).unwrap();
        let keys = read_keys(self.keys.path(), &apex).unwrap();
        let config = fixture::config(self.signing.denial, SerialRule::Hourly);
        let config = DnssecConfig { lifetime: Duration::from_secs(self.signing.lifetime), ..config };
        let signer = ZoneSigner::new(apex, keys, &config);
        let mut text = text(&TWO);
        text["zones"][APEX]["dnssec"] = json!({ "keys": "/keys" });
        text["pools"][POOL]["ttl"] = json!(300);
        let before = self.state.as_ref().map(|state| Arc::clone(&state.zones));
        signed(prepared_with(&text, &self.text), signer, self.now(time).unix_ms / 1000, before.as_deref())
    }

    fn health(&self, document: &Prepared) -> Event {
        let verdict = |member: &str| if self.up[usize::from(member == "b")] { Verdict::Up } else { Verdict::Down };
        Event::Health(health(document, verdict))
    }

    /// A new process, with what the one before has handed over, or with nothing.
    pub fn start(&mut self, time: u64, is_handed_over: bool) {
        let now = self.now(time);
        let document = self.prepared(time);
        let handed = self.state.take().filter(|_| is_handed_over);
        let handed = handed.map(|before| Saved::read_handover(before.to_hand_over(now), now.system_time()).unwrap());
        self.state = Some(State::new(Arc::clone(&document), handed.clone().unwrap_or_default()));
        if let Some(handed) = handed {
            self.take(Event::Inherited(Box::new(handed)), now);
        }
        self.take(self.health(&document), now);
        self.take(Event::Ready, now);
    }

    pub fn stop(&mut self) {
        self.state = None;
    }

    /// Takes an event in; what is ordered is done at once.
    fn take(&mut self, event: Event, now: Now) {
        let Some(state) = &mut self.state else { return };
        for effect in state.on_event(event, now) {
            match effect {
                Effect::Sign(order) => self.take(perform(order), now),
                Effect::SignAhead(order) => self.take(perform_ahead(*order), now),
                _ => {}
            }
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, time: u64) {
        self.take(Event::Time, self.now(time));
    }

    /// Members come and go.
    pub fn flip(&mut self, up: [bool; 2], time: u64) {
        self.up = up;
        if let Some(document) = self.state.as_ref().map(|state| Arc::clone(state.document())) {
            self.take(self.health(&document), self.now(time));
        }
    }

    /// Takes its files in anew.
    pub fn reload(&mut self, time: u64) {
        let document = self.prepared(time);
        self.take(Event::Reloaded(document), self.now(time));
    }

    /// Whether it shows a key.
    pub fn shows(&self, dnskey: &[u8]) -> bool {
        let apex = name::from_text(APEX).unwrap();
        self.state.as_ref().is_some_and(|state| {
            let signer = state.document().signers.of(&apex).unwrap();
            signer.at(state.signed_for()).dnskeys().contains(&dnskey)
        })
    }

    /// The keys that it tells the parent of; none while it is down.
    pub fn tells_parent(&self) -> Option<BTreeSet<Vec<u8>>> {
        let apex = name::from_text(APEX).unwrap();
        let state = self.state.as_ref()?;
        let moment = state.document().signers.of(&apex).unwrap().at(state.signed_for());
        Some(moment.for_parent().1.into_iter().map(<[u8]>::to_vec).collect())
    }

    /// What it answers to a resolver that validates; nothing while it is down.
    pub fn ask(&self, qname: &[u8], qtype: u16) -> Option<Response> {
        let state = self.state.as_ref()?;
        let question = [qname, &qtype.to_be_bytes(), &[0, 1]].concat();
        // OPT with DO (RFC 3225).
        let query =
            [&[0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1], &question[..], &[0, 0, 41, 16, 0, 0, 0, 0x80, 0, 0, 0]].concat();
        let mut buffer = vec![0; 65_535];
        let client = Client::without_cookies(Transport::Tcp { keepalive: 0 });
        let answered = answer(&query, &state.snapshot, &client, 0, &mut buffer).expect("a response");
        Some(Response::read(&buffer[..answered.length]))
    }
}
