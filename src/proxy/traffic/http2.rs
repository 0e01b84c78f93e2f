//! HTTP/2 as the traffic path speaks it (RFC 9113), beside the `h2` crate, which keeps the state of streams and their windows.
//!
//! [`request`] and [`response`] are heads on their way between its fields and ours, [`frames`] looks at the frames that pass by in
//! both directions, and [`budget`] says when there are more of them than any client needs; [`backend`] is what backends get and send. Pure: no socket, no clock, no task.
//! Connections and streams are `http2_connection` and `http2_stream`.

pub mod backend;
pub mod budget;
pub mod frames;
pub mod request;
pub mod response;
