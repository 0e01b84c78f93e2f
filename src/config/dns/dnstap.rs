//! `dnstap` of `dns.json`: queries and responses for a receiver on the same machine.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::config::admin::socket_path;
use crate::config::reader::{Keys, Read, Value};

/// `dnstap`: which messages go to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnstapConfig {
    /// The Unix socket at which a receiver of Frame Streams listens, an absolute path.
    pub socket: PathBuf,
    /// Whether they go there from the start on; an operator switches it while the daemon runs. Default: yes.
    pub on: bool,
    /// Which messages; never empty, distinct. Default: both.
    pub messages: Vec<DnstapMessage>,
    /// Of each thread's queries every so-manyth goes there, with its response. Default 1: all.
    pub sample: u32,
}

/// A kind of message, as `dnstap.proto` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnstapMessage {
    /// A query as it was received.
    AuthQuery,
    /// A response as it was made, before it is sent.
    AuthResponse,
}

/// The keys of `dnstap`.
pub(super) const KEYS: Keys = Keys { object: "dnstap", names: &["messages", "on", "sample", "socket"] };

const MESSAGES: [(&str, DnstapMessage); 2] =
    [("AUTH_QUERY", DnstapMessage::AuthQuery), ("AUTH_RESPONSE", DnstapMessage::AuthResponse)];

const SAMPLE: RangeInclusive<u32> = 1..=1_000_000;

pub(super) fn read(value: &Value<'_>) -> Read<DnstapConfig> {
    let dnstap = value.object(&KEYS)?;
    let socket = dnstap.required("socket", socket_path);
    let on = dnstap.with_default("on", true, Value::boolean);
    let messages = dnstap.with_default("messages", MESSAGES.map(|(_, message)| message).to_vec(), read_messages);
    let sample = dnstap.with_default("sample", 1, |value| value.integer(SAMPLE));
    Ok(DnstapConfig { socket: socket?, on: on?, messages: messages?, sample: sample? })
}

fn read_messages(value: &Value<'_>) -> Read<Vec<DnstapMessage>> {
    value.at_least_one("kind of message")?;
    let mut seen = Vec::new();
    value.list("kinds of messages", |value| {
        let message = value.one_of(&MESSAGES)?;
        if seen.contains(&message) {
            return Err(value.fault("this kind of message stands here already: take it out"));
        }
        seen.push(message);
        Ok(message)
    })
}
