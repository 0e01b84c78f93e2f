//! Where proxies tell their challenges: from the document in force to the running listener.

use std::net::TcpListener;

use crate::config::dns::AcmeChallengesConfig;
use crate::daemon::challenges::Listener;
use crate::daemon::lifecycle::{Input, Inputs};
use crate::daemon::peers::Identity;
use crate::dns::control::Event;
use crate::dns::control::prepared::Prepared;

/// The listener, between [`ChallengeListener::serve`] and [`ChallengeListener::stop`].
pub struct ChallengeListener {
    inputs: Inputs<Prepared, Event>,
    bound: Option<TcpListener>,
    running: Option<Running>,
    error: Option<String>,
}

struct Running {
    config: AcmeChallengesConfig,
    identity: Identity,
    _listener: Listener,
}

impl ChallengeListener {
    /// One that does not run yet.
    pub fn new(inputs: Inputs<Prepared, Event>) -> ChallengeListener {
        ChallengeListener { inputs, bound: None, running: None, error: None }
    }

    /// The socket that the next document names, if it names one.
    pub fn bound(&mut self, socket: Option<TcpListener>) {
        self.bound = socket;
    }

    /// Listens as the document in force says; goes on undisturbed if nothing of it has changed.
    pub fn serve(&mut self, document: &Prepared) {
        let next = document.config.acme_challenges.as_ref().zip(document.challenges_identity.as_ref());
        let same = |running: &Running| next == Some((&running.config, &running.identity));
        let socket = self.bound.take();
        if self.running.as_ref().is_some_and(same) {
            return;
        }
        (self.running, self.error) = (None, None);
        let Some(((config, identity), socket)) = next.zip(socket) else { return };
        let inputs = self.inputs.clone();
        let deliver = move |telling| {
            // Once the loop has ended nobody is answered, and the proxy tells whoever comes next.
            inputs.send(Input::Event(Event::Told(telling)));
        };
        match Listener::start(config.clone(), identity.clone(), socket, deliver) {
            Ok(listener) => {
                self.running =
                    Some(Running { config: config.clone(), identity: identity.clone(), _listener: listener });
            }
            Err(error) => {
                let why = format!(
                    "cannot listen on {} for the proxies' challenges: {error}; certificates by dns-01 are not renewed, and the next \
                     reload tries again",
                    config.listen
                );
                tracing::error!("{why}");
                self.error = Some(why);
            }
        }
    }

    /// Why no proxy is heard, though the document in force has it.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// No proxy is heard any more.
    pub fn stop(&mut self) {
        (self.running, self.bound) = (None, None);
    }
}
