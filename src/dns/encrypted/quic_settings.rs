//! What QUIC lets a client do: how many streams, how much on each and on all, for how long nothing.

use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{IdleTimeout, ServerConfig, TransportConfig, VarInt};

/// The longest query over HTTPS or QUIC, in bytes. With every option and a signature one has some hundreds.
pub(super) const LONGEST: usize = 4096;

/// What a client may send on a stream before it is taken: a query with its length.
const STREAM_WINDOW: u32 = 2 + LONGEST as u32;

/// The same on all streams of a connection, and what is sent before the client has acknowledged it.
const WINDOW: u32 = 128 * 1024;

/// Connections whose first packet waits to be looked at, and what of them is kept meanwhile, of each and of all, in bytes.
const WAITING: (usize, u64, u64) = (1024, 16 * 1024, 2 * 1024 * 1024);

/// The settings of connections.
pub(super) fn of(crypto: Arc<QuicServerConfig>, streams: u32, idle: Duration) -> Arc<ServerConfig> {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(streams))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .max_idle_timeout(IdleTimeout::try_from(idle).ok())
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(WINDOW))
        .send_window(WINDOW.into())
        .datagram_receive_buffer_size(None)
        .datagram_send_buffer_size(0);
    let mut settings = ServerConfig::with_crypto(crypto);
    let (connections, each, all) = WAITING;
    settings
        .transport_config(Arc::new(transport))
        // A client is who it was when it was let in.
        .migration(false)
        .max_incoming(connections)
        .incoming_buffer_size(each)
        .incoming_buffer_size_total(all);
    Arc::new(settings)
}
