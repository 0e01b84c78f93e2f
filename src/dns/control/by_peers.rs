//! What follows from what peers say (pure).

use std::sync::Arc;

use serde_json::{Value, json};

use super::catalogs::vetted;
use super::peer_state::{PeerMessage, PeerState, named};
use super::saved::{SavedError, read};
use super::{Effect, State, lines};
use crate::daemon::clock::Now;
use crate::daemon::operator::OperatorStates;
use crate::daemon::operator::events::learned;
use crate::daemon::opinions::Heard;
use crate::daemon::peers::PeerEvent;

impl State {
    /// What peers are told: states and verdicts of members that the document names, so that it always fits.
    pub(super) fn peer_message(&self) -> PeerMessage {
        let notes = self.operator.0.iter().filter(|(subject, _)| self.names(subject));
        let operator = OperatorStates(notes.map(|(subject, note)| (subject.clone(), note.clone())).collect());
        // Whoever is about to end is believed no longer than it is there.
        let verdicts = if self.draining { Arc::default() } else { self.opinions.told() };
        let message = PeerMessage::new(operator, verdicts, self.told_catalogs(), self.proposals.to_peers());
        message.with_acme(self.orders.message(self.ready && !self.draining))
    }

    /// The same as it is sent.
    pub fn to_tell(&self) -> Value {
        json!(self.peer_message())
    }

    /// Merges a peer's operator states of the members that the document names. Values beyond the bounds are left out with an
    /// alarm, and the rest of the message counts. A message of another form is refused as a whole.
    pub(super) fn on_peer(&mut self, message: PeerEvent, now: Now) -> Vec<Effect> {
        if self.is_old_news(&message, now) {
            return Vec::new();
        }
        let PeerEvent { peer, value, ahead_ms, .. } = message;
        let message = read::<PeerMessage>(&value).map_err(SavedError::without_words);
        let PeerMessage { operator, verdicts, catalogs, put, acme, .. } = match message {
            Ok(message) => message,
            Err(error) => {
                return vec![Effect::Log(lines::wrong_of_peer(
                    &peer,
                    format!("the message of peer {peer} cannot be read: {error}"),
                ))];
            }
        };
        let refused = self.orders.hear(&peer, acme, now);
        let line =
            |what| Effect::Log(lines::wrong_of_peer(&peer, format!("peer {peer} sent what is not taken: {what}")));
        let mut effects: Vec<Effect> = refused.into_iter().map(line).collect();
        let (taken, rejected) = operator.vetted(now.unix_ms, ahead_ms, |subject| self.names(subject));
        let put = put.vetted(&self.document.config.name, now.unix_ms, |subject| self.names(subject));
        self.proposals.receive(&peer, put.clone(), now);
        if let Some(news) = self.rejected.entry(peer.clone()).or_default().note(rejected) {
            let words = format!("values of peer {peer} are rejected: {news}");
            effects.push(Effect::Log(lines::wrong_of_peer(&peer, words)));
        }
        let merged = self.operator.merge(&taken, now.unix_ms);
        if merged.changed {
            self.operator_file.changed();
        }
        effects.extend(merged.news.iter().map(|(subject, note)| Effect::Log(learned(subject, note, now.unix_ms))));
        let members = named(&self.document);
        let verdicts = Arc::new(Arc::unwrap_or_clone(verdicts).vetted(|subject| members.contains(subject)));
        let catalogs = vetted(catalogs, &self.catalogs);
        let (heard, read_for) = (Heard::now(now.running), self.document.clone());
        self.peers.insert(peer, PeerState { verdicts, catalogs, heard, put, read_for });
        effects
    }

    /// A peer says that it has nothing new, once a second: all that follows is that it was heard, unless its message has to be read anew.
    fn is_old_news(&mut self, message: &PeerEvent, now: Now) -> bool {
        let refused = self.rejected.get(&message.peer).is_some_and(|rejected| rejected.is_any());
        let known = self.peers.get_mut(&message.peer).filter(|_| !message.is_news && !refused);
        let Some(known) = known.filter(|known| Arc::ptr_eq(&known.read_for, &self.document)) else { return false };
        known.heard = Heard::now(now.running);
        self.proposals.receive(&message.peer, known.put.clone(), now);
        true
    }
}
