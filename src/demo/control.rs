//! The running demo's control socket: another terminal says what to do to which part.
//!
//! One JSON line in, one out. The fleet is changed by its owner alone: orders reach it over a channel.

use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

use super::Error;
use super::fleet::Deed;

/// For an order in all; a start may take a while.
const LIMIT: Duration = Duration::from_secs(90);

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// What to do.
    pub deed: Deed,
    /// To which part.
    pub name: String,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reply {
    /// It was done.
    Done(String),
    /// It was not, and why.
    Error(String),
}

/// An order with the place where its answer is awaited.
pub type Ordered = (Order, oneshot::Sender<Reply>);

/// Listens for orders. Must be called within a `LocalSet`.
pub fn listen(path: &Path, orders: mpsc::Sender<Ordered>) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::task::spawn_local(serve(stream, orders.clone()));
        }
    });
    Ok(())
}

async fn serve(stream: UnixStream, orders: mpsc::Sender<Ordered>) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    // Whoever only looks whether we are there says nothing.
    if !matches!(stream.read_line(&mut line).await, Ok(length) if length > 0) {
        return;
    }
    let reply = match serde_json::from_str::<Order>(&line) {
        Err(error) => Reply::Error(format!("this is no order: {error}")),
        Ok(order) => {
            let (tell, told) = oneshot::channel();
            let _ = orders.send((order, tell)).await;
            told.await.unwrap_or_else(|_| Reply::Error("the demo is ending".to_owned()))
        }
    };
    if let Ok(text) = serde_json::to_string(&reply) {
        let _ = stream.write_all(format!("{text}\n").as_bytes()).await;
    }
}

/// Gives an order to the demo that listens there.
pub async fn order(path: &Path, order: &Order) -> Result<Reply, Error> {
    let exchange = async {
        let mut stream = BufReader::new(UnixStream::connect(path).await?);
        let text = serde_json::to_string(order)?;
        stream.write_all(format!("{text}\n").as_bytes()).await?;
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        Ok::<Reply, io::Error>(serde_json::from_str(&line)?)
    };
    match tokio::time::timeout(LIMIT, exchange).await {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(error)) => Err(Error(format!("the demo at {} does not answer: {error}", path.display()))),
        Err(_) => Err(Error(format!("the demo at {} did not answer within {LIMIT:?}", path.display()))),
    }
}

#[cfg(test)]
mod tests;
