//! A link between two parts of the fleet that can be cut: connections to its address go on to another one, unless it is cut.
//!
//! Nothing gets through a cut link and nobody is told, as where a network drops packets. Must never: know what passes. Called by
//! [`super::sites`].

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// A link to one address; it ends when this is dropped.
pub struct Relay {
    address: SocketAddr,
    cut: watch::Sender<bool>,
    accepting: AbortHandle,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Relay {
    /// A link that leads to this address. Must be called within a `LocalSet`.
    ///
    /// # Errors
    ///
    /// No port of loopback can be bound.
    pub async fn to(target: SocketAddr) -> io::Result<Relay> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (cut, is_cut) = watch::channel(false);
        let accepting = tokio::task::spawn_local(accept(listener, target, is_cut)).abort_handle();
        Ok(Relay { address, cut, accepting })
    }

    /// Where it begins.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts it, or heals it: what was on its way when it was cut is lost.
    pub fn cut(&self, is_cut: bool) {
        self.cut.send_replace(is_cut);
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, is_cut: watch::Receiver<bool>) {
    // An error of one accept (no descriptor, a connection gone before it was accepted) is no reason to stop.
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::task::spawn_local(pass(stream, target, is_cut.clone()));
        }
    }
}

/// Ends with the connection, with the relay, or with the healing of a cut that was in between.
async fn pass(mut from: TcpStream, target: SocketAddr, mut is_cut: watch::Receiver<bool>) {
    if is_cut.wait_for(|is_cut| !is_cut).await.is_err() {
        return;
    }
    let Ok(mut to) = TcpStream::connect(target).await else { return };
    let _ = (from.set_nodelay(true), to.set_nodelay(true));
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut from, &mut to) => return,
        cut = is_cut.wait_for(|is_cut| *is_cut) => if cut.is_err() { return },
    }
    let _ = is_cut.wait_for(|is_cut| !is_cut).await;
}

#[cfg(test)]
mod tests;
