//! The traffic path: what happens between a visitor's connection and a backend's.
//!
//! From the outside in, as a request meets them:
//!
//! | file | what it does |
//! | --- | --- |
//! | [`worker`] | a thread with listeners, an upstream pool and counters of its own; [`shared`] is what all of them and control share, `local` what its tasks share |
//! | `listener` (a [`door`] each), [`admission`], `eviction` | accept connections, count who may hold one, make room for newcomers |
//! | `opening`, `proxy_header`, `transport`, `handshake`, `handshakes` | what carries a connection, and what comes before its first request: who a proxy says that the visitor is, and the handshake |
//! | `connection`, `arrival` | one HTTP/1.1 connection: wait for a head, have it vetted and served, keep or close the connection |
//! | `admit`, `certificate`, `answering`, `redirect` | what a request (`exchange`) meets before what is to answer it, the route to that among it; the proxy's own answers |
//! | `known` | what is known of a request, for the header fields that its service writes |
//! | `dispatch` | one request: admit, choose, wait for a verdict (`waiting`) or queue (`queueing`), try backends (`retry`), a second one beside the first where that takes long (`hedge`, `race`) |
//! | `attempt` | one attempt on one backend (`plan`): `connecting` to it, then a `conversation`: `sending` and `relay` pass the two directions on, `progress` is what they know of each other, `outcome` what follows for the request |
//! | `targets` | answers by what is no backend; `own_response` sends that on the way of a backend's, `file_body` reads a file for it by way of `disk`; `open_files` bounds how many are open |
//! | `tunnel` | bytes both ways after an upgrade |
//! | [`message`], `stream` | what a request, a response and their bodies are, whichever version of HTTP carries them |
//! | [`http1`], `http1_stream`, `http1_backend` | the codec of HTTP/1.1 (pure), and the same over sockets, of visitors and of backends; `transfer` and `socket` move the bytes |
//! | [`http2`], `http2_connection`, `http2_visit`, `http2_stream` | the same for HTTP/2: what is pure, a visitor's connection, a request on one of its streams, its bodies; `http2_wire` carries it, `http2_pipe` is a stream after an upgrade |
//! | `http2_upstream`, `http2_attempt`, `http2_backend` | connections of HTTP/2 to backends, an attempt on one of them, a request and its response on a stream |
//! | `basic_auth`, `passwords`, `forward_auth` | who asks: a name and a password, verified on threads of their own; another server's word |
//! | `compression`, `encoder` | what of a response is compressed on its way to the visitor |
//! | `inflight` | lets a new snapshot or a drain reach whatever runs |
//! | [`access_log`], `trace`, `termination` | how a request ended |
//!
//! Must never: take a lock while a request is served (but where it queues for a backend, or for a hash of its password), or change
//! anything that control owns.

pub mod access_log;
pub mod admission;
mod admit;
mod alarm;
mod answering;
mod arrival;
mod attempt;
mod basic_auth;
mod bounded;
mod certificate;
mod compression;
mod connecting;
mod connection;
mod conversation;
pub mod counters;
mod disk;
mod dispatch;
pub mod door;
mod encoder;
mod eviction;
mod eviction_queue;
mod exchange;
mod file_body;
mod forward_auth;
mod handshake;
mod handshakes;
mod hedge;
pub mod http1;
mod http1_backend;
mod http1_stream;
pub mod http2;
mod http2_attempt;
mod http2_backend;
mod http2_connection;
mod http2_pipe;
mod http2_stream;
mod http2_upstream;
mod http2_visit;
mod http2_wire;
mod inflight;
mod known;
mod limited;
mod listener;
mod local;
pub mod message;
mod open_files;
mod opening;
mod outcome;
mod own_response;
mod passwords;
mod plan;
mod progress;
mod proxy_header;
mod queueing;
mod race;
mod redirect;
mod relay;
mod retry;
mod room;
mod sending;
pub mod shared;
mod socket;
pub mod splice;
mod stream;
mod targets;
pub mod termination;
mod throttle;
mod trace;
mod transfer;
mod transport;
mod tunnel;
mod upstream;
mod view;
mod waiting;
pub mod worker;
mod workspace;
