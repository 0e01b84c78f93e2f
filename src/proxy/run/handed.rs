//! The form of the state that is handed over at a takeover, and following the daemon that took over.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::client::Client;
use crate::daemon::clock::Now;
use crate::daemon::lifecycle::{Input, Inputs};
use crate::health::HealthView;
use crate::health::saved::{self, MoreToSave, ToSave};
use crate::proxy::agreement::Mark;
use crate::proxy::control::peer_state::PeerState;
use crate::proxy::control::prepared::Prepared;
use crate::proxy::control::{Event, State, VERSION};

/// How often the daemon that took over is asked how things stand, while requests still run here.
const FOLLOW: Duration = Duration::from_millis(250);

/// State handed over, as the new process reads it. Health that it cannot read is as if it were not there: it is probed anew.
pub(super) struct Handed {
    /// What checks said.
    pub(super) health: HealthView,
    /// Latches and the operator's words, in the form peers use.
    pub(super) words: Value,
    /// It was waiting for leases of other proxies. One of an earlier version never did.
    pub(super) waits: bool,
    /// Where it saw the store last, by which the proxies agree.
    pub(super) seen: Option<Mark>,
}

impl Handed {
    /// Reads it.
    pub(super) fn read(state: &Value) -> Result<Handed, HandedError> {
        if state["version"] != VERSION {
            return Err(HandedError::OtherVersion(state["version"].clone()));
        }
        PeerState::read(&state["words"], None).map_err(|why| HandedError::Words(why.to_string()))?;
        let health =
            saved::from_json(&state["health"], &state["health_more"], SystemTime::now()).unwrap_or_else(|why| {
                tracing::warn!("the health handed over is not used: {why}");
                HealthView::new()
            });
        let seen = Mark::deserialize(&state["seen"]).ok();
        Ok(Handed { health, words: state["words"].clone(), waits: state["waits"] == true, seen })
    }
}

/// Why what a process hands over cannot be understood.
#[derive(Debug)]
pub(super) enum HandedError {
    /// It has this version.
    OtherVersion(Value),
    /// Its latches and operator states cannot be read, and why.
    Words(String),
}

impl fmt::Display for HandedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandedError::OtherVersion(version) => {
                write!(f, "it is of version {version}, this program reads {VERSION}")
            }
            HandedError::Words(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for HandedError {}

/// What a successor gets.
pub(super) fn to_hand_over(state: &State, now: Now) -> Value {
    json!({
        "version": VERSION,
        "health": ToSave { view: (*state.health).clone(), now: now.system_time() },
        "health_more": MoreToSave((*state.health).clone()),
        "words": state.to_hand_over(),
        "waits": state.waits_for_leases(now),
        "seen": state.seen_store(),
    })
}

/// Asks the daemon that took over how things stand, until this process ends. One that does not answer leaves things here
/// as they were, but for what runs out by the clock.
pub(super) async fn follow(daemon: Client, inputs: Inputs<Prepared, Event>) {
    loop {
        let status = daemon.get("/status").await.ok().and_then(|status| serde_json::from_value(status).ok());
        let event = status.map_or(Event::Unfollowed, |status| Event::Followed(Box::new(status)));
        if !inputs.send(Input::Followed(event)) {
            return;
        }
        tokio::time::sleep(FOLLOW).await;
    }
}
