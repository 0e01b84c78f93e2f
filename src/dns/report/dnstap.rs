//! How dnstap fares, as status, metrics and alarms tell it.

use crate::api::dns::DnstapStatus;
use crate::dns::control::State;
use crate::dns::dnstap::Standing;

/// What is not in the control state.
#[derive(Debug, Clone, Default)]
pub struct DnstapFigures {
    /// How it is with the receiver.
    pub standing: Standing,
    /// Messages that it has taken.
    pub sent: u64,
    /// Messages that were dropped.
    pub dropped: u64,
    /// Some were in the last minute.
    pub is_dropping: bool,
}

impl State {
    /// None: the document says nothing of it.
    pub(super) fn dnstap_status(&self, figures: &DnstapFigures) -> Option<DnstapStatus> {
        let config = &self.document.config;
        let dnstap = config.dnstap.as_ref()?;
        let DnstapFigures { standing, sent, dropped, .. } = figures;
        Some(DnstapStatus {
            on: self.recorded(config).is_some(),
            socket: dnstap.socket.display().to_string(),
            note: self.dnstap.clone(),
            connected: *standing == Standing::Connected,
            error: match standing {
                Standing::Failed(words) => Some(words.clone()),
                Standing::Idle | Standing::Connected => None,
            },
            sent: *sent,
            dropped: *dropped,
        })
    }

    /// What the operator should look at.
    pub(super) fn dnstap_alarm(&self, figures: &DnstapFigures) -> Option<String> {
        let status = self.dnstap_status(figures).filter(|status| status.on)?;
        let DnstapStatus { socket, error, dropped, .. } = &status;
        let sofar = format!("{dropped} messages were dropped so far, and queries are answered all the same");
        match error {
            Some(error) => Some(format!("dnstap: {socket} {error}; it is tried again: {sofar}")),
            None if figures.is_dropping => Some(format!(
                "dnstap: the receiver at {socket} does not take messages as fast as they come: {sofar}; raise `dnstap.sample`, or see what holds it up"
            )),
            None => None,
        }
    }
}
