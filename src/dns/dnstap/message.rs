//! The messages of `dnstap.proto` (<https://github.com/dnstap/dnstap.pb>), as far as an authoritative nameserver sends them: of a field that is not
//! here there is nothing to say. Protocol Buffers' rules of encoding are `prost`'s.

use prost::{Enumeration, Message};

/// The outermost message.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Dnstap {
    /// Which server this is.
    #[prost(bytes = "vec", optional, tag = "1")]
    pub(super) identity: Option<Vec<u8>>,
    /// What it runs.
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(super) version: Option<Vec<u8>>,
    /// What was received or sent.
    #[prost(message, optional, tag = "14")]
    pub(super) message: Option<Exchanged>,
    /// [`MESSAGE`].
    #[prost(int32, required, tag = "15")]
    pub(super) kind: i32,
}

/// The one kind of outermost message that there is.
pub(super) const MESSAGE: i32 = 1;

/// `Message`: one DNS message, with who exchanged it and when.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Exchanged {
    #[prost(enumeration = "Kind", required, tag = "1")]
    pub(super) kind: i32,
    #[prost(enumeration = "SocketFamily", optional, tag = "2")]
    pub(super) socket_family: Option<i32>,
    #[prost(enumeration = "SocketProtocol", optional, tag = "3")]
    pub(super) socket_protocol: Option<i32>,
    #[prost(bytes = "vec", optional, tag = "4")]
    pub(super) query_address: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "5")]
    pub(super) response_address: Option<Vec<u8>>,
    #[prost(uint32, optional, tag = "6")]
    pub(super) query_port: Option<u32>,
    #[prost(uint32, optional, tag = "7")]
    pub(super) response_port: Option<u32>,
    #[prost(uint64, optional, tag = "8")]
    pub(super) query_time_sec: Option<u64>,
    #[prost(fixed32, optional, tag = "9")]
    pub(super) query_time_nsec: Option<u32>,
    #[prost(bytes = "vec", optional, tag = "10")]
    pub(super) query_message: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "12")]
    pub(super) response_time_sec: Option<u64>,
    #[prost(fixed32, optional, tag = "13")]
    pub(super) response_time_nsec: Option<u32>,
    #[prost(bytes = "vec", optional, tag = "14")]
    pub(super) response_message: Option<Vec<u8>>,
    #[prost(enumeration = "HttpVersion", optional, tag = "16")]
    pub(super) http_protocol: Option<i32>,
}

/// `Message.Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub(super) enum Kind {
    /// A query as an authoritative nameserver has received it.
    AuthQuery = 1,
    /// A response as it has sent it.
    AuthResponse = 2,
}

/// `SocketFamily`: how addresses are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub(super) enum SocketFamily {
    /// IPv4.
    Inet = 1,
    /// IPv6.
    Inet6 = 2,
}

/// `SocketProtocol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub(super) enum SocketProtocol {
    Udp = 1,
    Tcp = 2,
    Dot = 3,
    Doh = 4,
    Doq = 7,
}

/// `HttpProtocol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub(super) enum HttpVersion {
    Http2 = 2,
}
