//! The status of one GET over HTTP/2: what [`super::http_status`] is for HTTP/1.1.
//!
//! Owns nothing: the connection is the caller's, and so are its time limits. Must never: follow a redirect, or read a body.

use std::fmt;
use std::pin::pin;

use h2::client;
use http::Request;
use http::header::{ACCEPT, USER_AGENT};
use tokio::io::{AsyncRead, AsyncWrite};

use super::http_status::Get;

/// Fields of a response, in bytes, that are read at most: as many as of a response to a visitor.
const MOST_FIELDS: u32 = 1024 * 1024;

/// Why there is no status.
#[derive(Debug)]
pub enum Http2StatusError {
    /// HTTP/2 has no form for the request.
    Unsendable(http::Error),
    /// The server closed the connection before a response.
    Closed,
    /// What came is no HTTP/2, or the server refuses.
    Failed(h2::Error),
}

impl fmt::Display for Http2StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Http2StatusError::Unsendable(error) => write!(f, "the request cannot be sent over HTTP/2: {error}"),
            Http2StatusError::Closed => f.write_str("connection closed before a response"),
            Http2StatusError::Failed(error) => write!(f, "no HTTP/2 response: {error}"),
        }
    }
}

impl std::error::Error for Http2StatusError {}

/// Sends the request, and reads as far as the final status. `scheme`: of the request's target.
///
/// # Errors
///
/// There is none.
pub async fn status(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    get: &Get<'_>,
    scheme: &str,
) -> Result<u16, Http2StatusError> {
    let Get { host, path, user_agent } = get;
    let request = Request::get(format!("{scheme}://{host}{path}"))
        .header(USER_AGENT, *user_agent)
        .header(ACCEPT, "*/*")
        .body(())
        .map_err(Http2StatusError::Unsendable)?;
    let mut builder = client::Builder::new();
    builder.enable_push(false).max_header_list_size(MOST_FIELDS);
    let (mut sender, connection) = builder.handshake::<_, &[u8]>(stream).await.map_err(Http2StatusError::Failed)?;
    let (response, _) = sender.send_request(request, true).map_err(Http2StatusError::Failed)?;
    let mut connection = pin!(connection);
    tokio::select! { biased;
        response = response => match response {
            Ok(response) => Ok(response.status().as_u16()),
            Err(error) if error.is_io() => Err(Http2StatusError::Closed),
            Err(error) => Err(Http2StatusError::Failed(error)),
        },
        ended = &mut connection => match ended {
            Err(error) if !error.is_io() => Err(Http2StatusError::Failed(error)),
            _ => Err(Http2StatusError::Closed),
        },
    }
}
