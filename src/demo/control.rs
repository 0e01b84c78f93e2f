//! The running demo's control socket: another terminal says what to do to which part.
//!
//! One JSON line in, one out. The fleet is changed by its owner alone: requests reach it over a channel.

use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

use super::Error;
use super::fleet::Action;

/// For a request and its answer; a start may take a while.
const LIMIT: Duration = Duration::from_secs(90);

/// What another terminal asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What to do.
    #[serde(rename = "deed")]
    pub action: Action,
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

/// A request with the channel for its answer.
pub type PendingRequest = (Request, oneshot::Sender<Reply>);

/// Listens for requests. Must be called within a `LocalSet`.
pub fn listen(path: &Path, requests: mpsc::Sender<PendingRequest>) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::task::spawn_local(serve(stream, requests.clone()));
        }
    });
    Ok(())
}

async fn serve(stream: UnixStream, requests: mpsc::Sender<PendingRequest>) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    // Whoever only tries whether a demo listens sends nothing.
    if !matches!(stream.read_line(&mut line).await, Ok(length) if length > 0) {
        return;
    }
    let reply = match serde_json::from_str::<Request>(&line) {
        Err(error) => Reply::Error(format!("this is no request: {error}")),
        Ok(request) => {
            let (sender, answer) = oneshot::channel();
            let _ = requests.send((request, sender)).await;
            answer.await.unwrap_or_else(|_| Reply::Error("the demo is ending".to_owned()))
        }
    };
    if let Ok(text) = serde_json::to_string(&reply) {
        let _ = stream.write_all(format!("{text}\n").as_bytes()).await;
    }
}

/// Asks the demo that listens there.
pub async fn ask(path: &Path, request: &Request) -> Result<Reply, Error> {
    let exchange = async {
        let mut stream = BufReader::new(UnixStream::connect(path).await?);
        let text = serde_json::to_string(request)?;
        stream.write_all(format!("{text}\n").as_bytes()).await?;
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        Ok::<Reply, io::Error>(serde_json::from_str(&line)?)
    };
    match tokio::time::timeout(LIMIT, exchange).await {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(error)) => Err(Error::io(format!("the demo at {} does not answer", path.display()))(error)),
        Err(late) => {
            Err(Error::io(format!("the demo at {} did not answer within {LIMIT:?}", path.display()))(late.into()))
        }
    }
}

#[cfg(test)]
mod tests;
