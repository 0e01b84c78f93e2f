//! The admin API's client, over a daemon's Unix socket.
//!
//! Owns: the messages for a daemon that does not answer. Called by the operator's verbs, the demo, and `takeover`.

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
pub use hyper::Method;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, UPGRADE};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use nix::errno::Errno;
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;
use serde::Serialize;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::task::JoinSet;

use crate::ownership::{group_name, user_name};

/// One daemon's admin socket.
#[derive(Debug, Clone)]
pub struct Client {
    /// The socket.
    pub socket: PathBuf,
    /// For a whole request.
    pub timeout: Duration,
    /// The ids of the users whose daemon is trusted; `None` where nobody else can listen there.
    pub users: Option<Vec<u32>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens, there is no answer in time, or it is not that of a daemon of this version; for the operator.
    #[error("{0}")]
    Unreachable(String),
    /// There is no answer in time; for the operator.
    #[error("the daemon at {} did not answer within {limit:?}: it is frozen, or the machine is overloaded. Its log may say more", socket.display())]
    Late {
        /// Where it was asked.
        socket: PathBuf,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The daemon refused.
    #[error("{message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its reason; its findings, if any, each on a line of its own after it.
        message: String,
    },
}

impl Client {
    /// A client with a time limit of 5 s.
    pub fn new(socket: &Path) -> Client {
        Client { socket: socket.to_owned(), timeout: Duration::from_secs(5), users: None }
    }

    /// GET of a path with its query ([`super::query::with_query`]).
    pub async fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.json(self.text(Method::GET, path, Bytes::new()).await?)
    }

    /// GET of a path whose answer is text (`/metrics`).
    pub async fn get_text(&self, path: &str) -> Result<String, ClientError> {
        self.text(Method::GET, path, Bytes::new()).await
    }

    /// POST of a JSON body.
    pub async fn post(&self, path: &str, body: &impl Serialize) -> Result<Value, ClientError> {
        let body = serde_json::to_vec(body).map_err(|error| self.failed(format!("cannot be sent this: {error}")))?;
        self.json(self.text(Method::POST, path, body.into()).await?)
    }

    /// POST of a path that answers 101, over a stream of [`Client::connect`]; then the raw stream.
    pub(crate) async fn upgrade(
        &self,
        stream: UnixStream,
        path: &str,
        protocol: &str,
    ) -> Result<UnixStream, ClientError> {
        let request = self
            .request(Method::POST, path, Bytes::new())
            .and_then(|mut request| {
                request.headers_mut().insert(CONNECTION, "upgrade".parse().ok()?);
                request.headers_mut().insert(UPGRADE, protocol.parse().ok()?);
                Some(request)
            })
            .ok_or_else(|| self.failed(format!("cannot be asked for {path}")))?;
        self.in_time(async {
            let (response, connection) = self.exchange(stream, request).await?;
            if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                let status = response.status();
                return Err(refused(status.as_u16(), &self.body(response).await?));
            }
            let upgraded = hyper::upgrade::on(response).await.map_err(|error| self.failed(broken(&error)))?;
            drop(connection);
            match upgraded.downcast::<TokioIo<UnixStream>>() {
                Ok(parts) if parts.read_buf.is_empty() => Ok(parts.io.into_inner()),
                _ => Err(self.failed("answered with more than its 101".into())),
            }
        })
        .await
    }

    /// Any request: the status and the body, whatever they are.
    ///
    /// # Errors
    ///
    /// There is no answer.
    pub async fn exchange_raw(&self, method: Method, path: &str, body: Bytes) -> Result<(u16, String), ClientError> {
        let request =
            self.request(method, path, body).ok_or_else(|| self.failed(format!("cannot be asked for {path:?}")))?;
        self.in_time(async {
            let (response, _connection) = self.exchange(self.connect().await?, request).await?;
            let status = response.status().as_u16();
            Ok((status, self.body(response).await?))
        })
        .await
    }

    fn json(&self, text: String) -> Result<Value, ClientError> {
        serde_json::from_str(&text).map_err(|error| {
            let start: String = text.chars().take(60).collect();
            self.failed(format!("answered with something that is not JSON ({error}): {start:?}"))
        })
    }

    async fn text(&self, method: Method, path: &str, body: Bytes) -> Result<String, ClientError> {
        let (status, text) = self.exchange_raw(method, path, body).await?;
        if (200..300).contains(&status) { Ok(text) } else { Err(refused(status, &text)) }
    }

    /// `None` if the path is not a request target.
    fn request(&self, method: Method, path: &str, body: Bytes) -> Option<Request<Full<Bytes>>> {
        Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .ok()
    }

    /// A connection to the socket, whose listener is trusted.
    pub(crate) async fn connect(&self) -> Result<UnixStream, ClientError> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| unreachable(&self.socket, &error))?;
        if let Some(users) = &self.users {
            listens_for(&stream, users).map_err(|error| self.failed(error.to_string()))?;
        }
        Ok(stream)
    }

    /// The response, and the task that reads its body; that one ends when dropped.
    async fn exchange(
        &self,
        stream: UnixStream,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, JoinSet<()>), ClientError> {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.failed(broken(&error)))?;
        let mut task = JoinSet::new();
        task.spawn(async move {
            // Its error reaches us through the response too.
            let _ = connection.with_upgrades().await;
        });
        let response = sender.send_request(request).await.map_err(|error| self.failed(broken(&error)))?;
        Ok((response, task))
    }

    async fn body(&self, response: Response<Incoming>) -> Result<String, ClientError> {
        let body = response.into_body().collect().await.map_err(|error| self.failed(broken(&error)))?;
        Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned())
    }

    async fn in_time<T>(&self, exchange: impl Future<Output = Result<T, ClientError>>) -> Result<T, ClientError> {
        tokio::time::timeout(self.timeout, exchange)
            .await
            .unwrap_or_else(|_| Err(ClientError::Late { socket: self.socket.clone(), limit: self.timeout }))
    }

    fn failed(&self, what: String) -> ClientError {
        ClientError::Unreachable(format!("the daemon at {} {what}", self.socket.display()))
    }
}

/// Checks that the other end of a socket listens for one of these users (SO_PEERCRED: who called listen(2) there, unix(7)).
///
/// # Errors
///
/// Somebody else listens there, or nobody knows who.
pub fn listens_for(stream: impl AsFd, users: &[u32]) -> Result<(), ListenerError> {
    let user = getsockopt(&stream, PeerCredentials).map_err(ListenerError::Unknown)?.uid();
    if users.contains(&user) { Ok(()) } else { Err(ListenerError::OtherUser(user)) }
}

/// Why the listener of a socket is not trusted. Its text goes on after the name of what listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListenerError {
    /// The kernel does not tell which user it is.
    #[error("does not show which user it runs as: {0}")]
    Unknown(Errno),
    /// It is this user.
    #[error("runs as user {}: that is neither you nor root, and it is not trusted", user_name(*.0))]
    OtherUser(u32),
}

fn broken(error: &hyper::Error) -> String {
    format!("ended the connection without an answer ({error}); it may have just stopped")
}

/// The JSON of a daemon's answer that came another way than over its socket.
///
/// # Errors
///
/// It is a refusal, or no JSON.
pub fn answered(status: u16, body: &str) -> Result<Value, ClientError> {
    if !(200..300).contains(&status) {
        return Err(refused(status, body));
    }
    serde_json::from_str(body).map_err(|error| ClientError::Unreachable(format!("its answer is not JSON: {error}")))
}

/// The error of a refusal: `{"error": TEXT, "findings": [TEXT, …]}`, or the text as it is.
fn refused(status: u16, text: &str) -> ClientError {
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let message = match (body["error"].as_str(), text.trim()) {
        (Some(error), _) => {
            let findings = body["findings"].as_array().into_iter().flatten().filter_map(Value::as_str);
            std::iter::once(error).chain(findings).collect::<Vec<_>>().join("\n")
        }
        (None, "") => format!("it answered {status} without a reason"),
        (None, text) => text.to_owned(),
    };
    ClientError::Refused { status, message }
}

fn unreachable(socket: &Path, error: &io::Error) -> ClientError {
    let path = socket.display();
    let is_other = fs::metadata(socket).is_ok_and(|there| !there.file_type().is_socket());
    let message = match error.kind() {
        _ if is_other => {
            format!("{path} is no socket; name the admin socket of a daemon (its document's admin.socket)")
        }
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => format!(
            "no daemon listens at {path}: it is not running, or its document names another admin socket. Start it \
             (`systemctl start` its unit, or the program with --config FILE), or name its socket"
        ),
        io::ErrorKind::PermissionDenied => format!("no permission to open {path}: {}", who_may(socket)),
        io::ErrorKind::WouldBlock => {
            format!("the daemon at {path} accepts nobody: it is frozen, or the machine is overloaded")
        }
        _ => format!("cannot open {path}: {error}"),
    };
    ClientError::Unreachable(message)
}

/// Who owns the socket, or the nearest folder above it that can be read.
fn who_may(socket: &Path) -> String {
    let Some((path, there)) = socket.ancestors().find_map(|path| fs::metadata(path).ok().map(|there| (path, there)))
    else {
        return "ask as root".into();
    };
    let (user, group) = (user_name(there.uid()), group_name(there.gid()));
    let mode = there.mode() & 0o777;
    format!("{} belongs to user {user} and group {group} (mode {mode:o}). Be one of them, or root", path.display())
}
