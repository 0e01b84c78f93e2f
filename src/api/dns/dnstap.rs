//! The operator's switch of dnstap, and how that fares.

use serde::{Deserialize, Serialize};

use crate::api::bounds::{BoundError, who_and_why};
use crate::unix_time::moment;

/// The body of `POST /dnstap`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnstapCommand {
    /// Whether queries and responses go to the receiver from now on.
    pub on: bool,
    /// Who says so (`alice@admin-nl`).
    pub who: String,
    /// Why; may be empty.
    #[serde(default)]
    pub why: String,
}

impl DnstapCommand {
    /// Whether its texts are within their bounds.
    ///
    /// # Errors
    ///
    /// Which bound it breaks.
    pub fn vet(&self) -> Result<(), BoundError> {
        who_and_why(&self.who, &self.why)
    }
}

/// What an operator has said last. It holds until the process ends, and a takeover hands it over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnstapNote {
    /// It is to be on.
    pub on: bool,
    /// Who said so.
    pub who: String,
    /// Why; may be empty.
    pub why: String,
    /// When, in milliseconds since the epoch.
    pub when: u64,
}

/// dnstap of a nameserver whose document has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnstapStatus {
    /// Messages go to the receiver.
    pub on: bool,
    /// The receiver's socket.
    pub socket: String,
    /// What an operator has said; none: it is as the document says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<DnstapNote>,
    /// The receiver takes what is sent.
    pub connected: bool,
    /// Why it does not; worded to follow the socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Messages that it has taken since the process began.
    pub sent: u64,
    /// Messages that were dropped since then, as there was no room for them or their receiver was left, or that may have been lost with a connection.
    pub dropped: u64,
}

impl DnstapStatus {
    /// `on, as the document says: to /run/dnstap.sock, connected; 12 messages sent, 3 dropped`.
    pub fn in_words(&self) -> String {
        let switch = if self.on { "on" } else { "off" };
        let by = match &self.note {
            None => "as the document says".to_owned(),
            Some(DnstapNote { who, why, when, .. }) => {
                let why = if why.is_empty() { String::new() } else { format!(": {why}") };
                format!("since {} by {who}{why}", moment(*when))
            }
        };
        let receiver = match &self.error {
            _ if !self.on => "nothing is sent".to_owned(),
            Some(error) => format!("{} {error}", self.socket),
            None if self.connected => format!("{} has a receiver", self.socket),
            None => format!("{} is about to be tried", self.socket),
        };
        format!("{switch}, {by}; {receiver}; {} messages sent, {} dropped", self.sent, self.dropped)
    }
}
