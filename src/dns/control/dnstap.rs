//! Whether queries and responses go to the receiver of dnstap, by the document and by the operator's last word (pure).

use super::operator::{Accepted, Change, CommandError};
use super::{Effect, State};
use crate::api::daemon::Done;
use crate::api::dns::{DnstapCommand, DnstapNote};
use crate::config::DnsConfig;
use crate::config::dns::DnstapMessage;
use crate::daemon::VERSION;
use crate::daemon::clock::Now;
use crate::dns::dnstap::{Terms, Wanted};
use crate::log_line::{Kind, LogLine};

impl State {
    /// What this document, which is in force or is about to be, wants recorded; none: nothing.
    pub fn recorded(&self, config: &DnsConfig) -> Option<Wanted> {
        let dnstap = config.dnstap.as_ref()?;
        let on = self.dnstap.as_ref().map_or(dnstap.on, |note| note.on);
        let has = |message: DnstapMessage| dnstap.messages.contains(&message);
        on.then(|| Wanted {
            socket: dnstap.socket.clone(),
            terms: Terms {
                queries: has(DnstapMessage::AuthQuery),
                responses: has(DnstapMessage::AuthResponse),
                sample: dnstap.sample,
                identity: config.identity.server.clone().unwrap_or_else(|| config.name.clone()),
                version: config.identity.version.clone().unwrap_or_else(|| format!("polder-dns {VERSION}")),
            },
        })
    }

    /// Switches it on or off until the process ends, whatever documents say meanwhile.
    ///
    /// # Errors
    ///
    /// A text is out of bounds, or the document does not say where the receiver is.
    pub fn switch_dnstap(&mut self, command: &DnstapCommand, now: Now) -> Result<Accepted, CommandError> {
        command.vet().map_err(CommandError::OutOfBounds)?;
        let DnstapCommand { on, who, why } = command.clone();
        let Some(dnstap) = &self.document.config.dnstap else {
            let words = "the document has no `dnstap`, and so no receiver is known: name its socket there, and reload";
            return Err(CommandError::Refused(words.to_owned()));
        };
        let generation = self.generation();
        let answer = |done, unchanged| Done { done, generation, cached_until: None, unchanged };
        let socket = dnstap.socket.display();
        let words = match on {
            true => format!("dnstap is on: messages go to the receiver at {socket}"),
            false => "dnstap is off: no message is recorded".to_owned(),
        };
        if self.dnstap.as_ref().map_or(dnstap.on, |note| note.on) == on {
            let done = answer(format!("{words} (it was so already; nothing changed)"), true);
            return Ok(Accepted { done, change: Change::Nothing, effects: Vec::new() });
        }
        let because = if why.is_empty() { String::new() } else { format!(": {why}") };
        let line = LogLine::info(Kind::Operator, format!("{words}, by {who}{because}")).about("dnstap");
        self.dnstap = Some(DnstapNote { on, who, why, when: now.unix_ms });
        let effects = vec![Effect::Log(line), Effect::Record];
        Ok(Accepted { done: answer(words, false), change: Change::Nothing, effects })
    }

    /// Takes in what an operator had said to the process before this one.
    pub(super) fn inherit_dnstap(&mut self, note: Option<DnstapNote>) {
        self.dnstap = note.filter(|_| self.document.config.dnstap.is_some());
    }
}
