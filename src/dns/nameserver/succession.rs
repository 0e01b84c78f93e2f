//! The old side of a takeover.

use std::rc::Rc;

use tokio::net::UnixStream;

use super::{Busy, End, Nameserver, PROGRAM};
use crate::daemon::admin::AdminServer;
use crate::daemon::takeover::{self, Handover, Offered};
use crate::dns::listening::Bound;

impl Nameserver {
    /// Offers sockets and state to a new process. Whatever goes wrong, this one serves on.
    pub(super) async fn give_over(self: &Rc<Self>, stream: UnixStream) {
        let before = self.busy.get();
        if !matches!(before, Busy::Idle | Busy::HandingOver) || self.end.borrow().is_some() {
            return takeover::refuse(stream, "a reload or another takeover is under way").await;
        }
        let sockets = self.sockets.borrow().handover();
        let handover = match sockets {
            Ok(sockets) => Handover { sockets, state: self.control.borrow().handover_value() },
            Err(error) => {
                tracing::error!("sockets cannot be handed over: {error}");
                return takeover::refuse(stream, &format!("sockets cannot be handed over: {error}")).await;
            }
        };
        self.busy.set(Busy::TakenOver);
        match takeover::offer(stream, PROGRAM, handover).await {
            // Told to stop meanwhile: dropped, the offer is withdrawn.
            Ok(_) if self.end.borrow().is_some() => {}
            Ok(offered) => {
                if self.leave(offered).await {
                    return;
                }
            }
            Err(error) => tracing::warn!("the takeover did not come about, this process goes on: {}", error.0),
        }
        self.busy.set(before);
        if self.stop_if_not_handed_over.get() {
            self.stop();
        }
    }

    /// The new process is ready: stops reading, tells the final state, and ends (true); or serves on if it went away.
    async fn leave(&self, offered: Offered) -> bool {
        self.busy.set(Busy::Handing);
        self.finish_writing().await;
        self.listening.borrow_mut().pause();
        // The operator is the new process's too: both could accept from one socket, and this one would answer for the past.
        self.admin.borrow().iter().for_each(AdminServer::pause);
        let state = self.control.borrow().handover_value();
        match offered.finish(state).await {
            Ok(()) => {
                tracing::info!("handed over; this process answers what it has received and ends");
                self.finish(End::HandedOver);
                true
            }
            Err(error) => {
                tracing::warn!("the new process went away, this one goes on: {}", error.0);
                self.serve_again();
                self.admin.borrow().iter().for_each(AdminServer::resume);
                false
            }
        }
    }

    fn serve_again(&self) {
        let config = self.control.borrow().document.config.clone();
        let bound = Bound::bind(&config, &mut self.sockets.borrow_mut());
        let served = match bound {
            Ok(bound) => self.listening.borrow_mut().serve(&config, bound).map_err(|error| error.to_string()),
            Err(error) => Err(error.message),
        };
        if let Err(error) = served {
            // Nothing is answered any more: a new process from the service manager is better than this one.
            tracing::error!("this process cannot go on: {error}");
            self.finish(End::Stopped);
        }
    }
}
