//! Which connections are taken: so many in all and so many from one client (RFC 7766, 6.1 and 6.2), on the thread that has them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;

use super::capacity::Limits;
use crate::daemon::client_network;

/// How long accepting pauses when this machine has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The open connections of a thread.
#[derive(Default)]
pub struct Admission {
    by_client: RefCell<HashMap<IpAddr, usize>>,
    open: Cell<usize>,
}

impl Admission {
    /// A slot for one more; none if it would be beyond a limit.
    pub fn admit(self: &Rc<Admission>, limits: &Limits, client: IpAddr) -> Option<Slot> {
        let client = client_network::of(client);
        let mut by_client = self.by_client.borrow_mut();
        let theirs = by_client.get(&client).copied().unwrap_or(0);
        if theirs >= limits.connections_per_address || self.open.get() >= limits.connections {
            return None;
        }
        by_client.insert(client, theirs + 1);
        self.open.set(self.open.get() + 1);
        Some(Slot { admission: Rc::clone(self), client })
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.open.get()
    }
}

/// One connection's slot under the limits, which is free again when this is dropped.
pub struct Slot {
    admission: Rc<Admission>,
    client: IpAddr,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut by_client = self.admission.by_client.borrow_mut();
        if let Some(count) = by_client.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                by_client.remove(&self.client);
            }
        }
        self.admission.open.set(self.admission.open.get().saturating_sub(1));
    }
}

/// Accepts connections and gives each to `take`, until the sender of `until` is gone.
pub async fn accept_from(
    listener: TcpListener,
    mut until: watch::Receiver<()>,
    take: impl Fn(TcpStream, SocketAddr) + 'static,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!("a TCP listener cannot be used: {error}"),
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = until.changed() => return,
        };
        match accepted {
            Ok((stream, client)) => take(stream, client),
            // The client closed the connection before it was accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!("accepting TCP connections pauses: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
