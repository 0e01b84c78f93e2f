//! The new side of a takeover, from the old process's final state on: serve, prove it, and only then be the daemon.
//!
//! Both processes have the same sockets, and the old one serves until this one has answered. If this one freezes on the way, nobody is
//! lost but whom it had accepted. Must never: write or tell what only the daemon may before [`Succession::taken`].

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::super::takeover::{PROOF_LIMIT, Succession, TakeoverError};
use super::daemon::{Daemon, Document};
use super::error::RunError;
use super::phase::Phase;
use super::question::{self, Question};
use super::shell::Shell;
use super::{ControlSockets, Settings};

/// How long whoever was accepted has to end, when the old process is to go on after all.
const WITHDRAWAL: Duration = Duration::from_secs(5);

impl<D: Daemon> Shell<D> {
    /// Serves these sockets, and becomes the daemon when each thread has answered. What the state wants done and is the daemon's alone
    /// waits until then. The caller then goes on with [`Shell::begin`].
    ///
    /// # Errors
    ///
    /// It does not answer, or the old process goes on: this one has to exit.
    pub async fn succeed(&mut self, bound: D::Bound, succession: Succession) -> Result<(), RunError> {
        let document = self.daemon.document().clone();
        self.daemon.serve(bound, &document)?;
        self.daemon.accept(false);
        let proved = if succession.is_awaited() { prove(&self.daemon).await } else { Ok(()) };
        let taken = match proved {
            Ok(()) => succession.taken().await,
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            self.withdraw().await;
            return Err(error.into());
        }
        self.phase = Phase::Starting;
        let held = std::mem::take(&mut self.held_effects);
        self.perform(held);
        if self.sockets.own()
            && let Err(error) = self.complete_sockets(&document.settings())
        {
            // The process before has let go: whatever is wrong with more sockets, these serve.
            tracing::error!("going on with the sockets of the process before alone: {error}");
        }
        Ok(())
    }

    /// Binds what it did not while another process served: a socket of one's own takes visitors whom only oneself can answer.
    fn complete_sockets(&mut self, settings: &Settings<'_>) -> Result<(), RunError> {
        let document = self.daemon.document().clone();
        drop(ControlSockets::bind(settings, &mut self.sockets)?);
        let bound = self.daemon.bind(&document, &mut self.sockets)?;
        self.daemon.serve(bound, &document)?;
        self.sockets.settle();
        Ok(())
    }

    /// Accepts no more, and lets those who were accepted end.
    async fn withdraw(&mut self) {
        self.daemon.drain(WITHDRAWAL);
        let until = Instant::now() + WITHDRAWAL;
        while !self.daemon.has_drained() && Instant::now() < until {
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Asks the daemon's own sockets until each of its threads has answered somebody: us or a visitor. The old process answers some of the
/// questions, as it does visitors'.
async fn prove<D: Daemon>(daemon: &D) -> Result<(), TakeoverError> {
    let until = Instant::now() + PROOF_LIMIT;
    let questions = daemon.questions();
    let mut is_answered = false;
    loop {
        let silent = daemon.silent_threads();
        if silent.is_empty() {
            return Ok(());
        }
        if questions.is_empty() {
            tracing::info!(
                "no listener accepts connections from this machine: taking over without a proof that this process answers"
            );
            return Ok(());
        }
        if Instant::now() >= until {
            if is_answered {
                return Err(TakeoverError::Unproved(silent, PROOF_LIMIT));
            }
            tracing::warn!(
                "this process cannot ask its own sockets (a firewall?): taking over without a proof that it answers"
            );
            return Ok(());
        }
        let began = Instant::now();
        let mut asked: JoinSet<bool> = questions.iter().cloned().map(Question::ask).collect();
        let mut is_any = false;
        while let Some(answered) = asked.join_next().await {
            is_any |= answered.unwrap_or(false);
        }
        is_answered |= is_any;
        if !is_any {
            tokio::time::sleep_until(began + question::LIMIT).await;
        }
    }
}
