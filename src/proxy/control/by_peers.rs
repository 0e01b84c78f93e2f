//! What follows from what peers say (pure): latches and operator states are merged, and doubts end.

use std::collections::BTreeMap;

use serde_json::Value;

use super::State;
use super::lines;
use super::peer_state::PeerState;
use super::wishes::not_contradicted;
use super::{Effect, Now};
use crate::api::operator::OperatorNote;
use crate::daemon::operator::events::learned;
use crate::daemon::operator::proposals::ProposalsMessage;
use crate::daemon::opinions::Heard;
use crate::daemon::peers::PeerEvent;
use crate::proxy::latch::Latch;

impl State {
    /// A peer says that it has nothing new, once a second: nothing follows from that, unless something of what it said was put off here.
    pub(super) fn is_old_news(&mut self, message: &PeerEvent, now: Now) -> bool {
        let known =
            self.peers.get_mut(&message.peer).filter(|known| !message.is_news && !known.is_outdated(&self.prepared));
        let Some(known) = known else { return false };
        known.heard = Some(Heard::now(now.running));
        let is_put = known.put != ProposalsMessage::default();
        self.proposals.receive(&message.peer, known.put.clone(), now);
        let theirs = known.latches.clone();
        !self.merge_latches(&theirs) && !is_put
    }

    pub(super) fn take_in_message(&mut self, message: PeerEvent, now: Now, effects: &mut Vec<Effect>) {
        let PeerEvent { peer, value, ahead_ms, .. } = message;
        match PeerState::read(&value, self.peers.get(&peer)) {
            Ok(mut words) => {
                let acme = self.orders.hear(&peer, std::mem::take(&mut words.acme), now);
                effects.extend(
                    acme.into_iter()
                        .map(|what| Effect::Log(lines::wrong_of_peer(&peer, "sent what is not taken", &what))),
                );
                let refused = words.hold_to_bounds(&self.prepared, &self.latches, ahead_ms, now);
                let news = refused
                    .map(|refused| Effect::Log(lines::wrong_of_peer(&peer, "sent values that are refused", &refused)));
                effects.extend(news);
                let news = self.merge(&words, now);
                effects.extend(news.iter().map(|(subject, note)| Effect::Log(learned(subject, note, now.unix_ms))));
                self.proposals.receive(&peer, words.put.clone(), now);
                words.heard = Some(Heard::now(now.running));
                self.peers.insert(peer, words);
            }
            Err(why) => {
                if self.peers.entry(peer.clone()).or_default().note_unreadable(&why.to_string()) {
                    let line = lines::wrong_of_peer(&peer, "sent a message that this program cannot read", &why);
                    effects.push(Effect::Log(line));
                }
            }
        }
    }

    /// Goes on with what the process before this one knew.
    pub(super) fn take_over(&mut self, handed: &Value, now: Now, effects: &mut Vec<Effect>) {
        match PeerState::read(handed, None) {
            Ok(words) => {
                self.merge(&words, now);
                let refused = self.orders.inherit(&words.acme, now).into_iter();
                let line = |why| Effect::Log(lines::not_taken_over("not taken of what was handed over", &why));
                effects.extend(refused.map(line));
                words.undecided.into_iter().for_each(|(service, latch)| self.latches.inherit_doubt(&service, latch));
            }
            Err(why) => effects.push(Effect::Log(lines::not_taken_over("the state handed over cannot be read", &why))),
        }
    }

    /// A peer may have had this document before us: its latches of the services that are new here count from the first
    /// request on. Its states of new backends come with its next message, within a second.
    pub(super) fn adopt_unknown_latches(&mut self, now: Now) {
        let mut known = Vec::new();
        for words in self.peers.values_mut() {
            words.adopt_known(&self.prepared, &self.latches, now);
            known.push(words.latches.clone());
        }
        for theirs in &known {
            self.merge_latches(theirs);
        }
    }

    /// Takes over a peer's latches, unless the proxies have agreed on others. Gives whether something follows from it.
    fn merge_latches(&mut self, theirs: &BTreeMap<String, Latch>) -> bool {
        match &self.agreement {
            None => self.latches.merge_peers(theirs),
            Some(agreement) => self.latches.merge_peers(&not_contradicted(agreement, theirs)),
        }
    }

    /// Gives what operators have said there that is not in force here yet.
    pub(super) fn merge(&mut self, words: &PeerState, now: Now) -> Vec<(String, OperatorNote)> {
        self.merge_latches(&words.latches);
        let merged = self.operator.merge(&words.operator, now.unix_ms);
        if merged.changed {
            self.operator_file.changed();
        }
        merged.news
    }

    /// Latches that this proxy has been in doubt about since its start: where it has heard so many peers that they and it are most of
    /// the fleet, and none of them knows the latch or has lost one, the latest that they have counts.
    pub(super) fn decide_doubts(&mut self) {
        let peers = self.peer_names();
        let heard = || self.peers.iter().filter(|(peer, words)| peers.contains(peer) && words.is_heard());
        if 2 * (heard().count() + 1) <= peers.len() + 1 {
            return;
        }
        for (service, keeper) in self.latches.in_doubt() {
            let theirs = || heard().filter_map(|(_, words)| words.undecided.get(service));
            if theirs().all(Option::is_some) {
                keeper.agree(theirs().flatten().cloned());
            }
        }
    }
}
