//! HTTP/1.1 as the visitor's path speaks it: heads, bodies and their framing, over exact bytes.
//!
//! Owns every decision about what a message is and where it ends (RFC 9112), and the text of every head that leaves.
//! Written by hand over `httparse`, because a proxy must see what a library hides: hyper merges or drops what has to be refused
//! (two lengths, a length beside chunked), passes no 103 on, and copies every field into a map. Here a head is its bytes and a
//! list of spans into them ([`super::message`]). Must never: open a socket, know a service, look at a clock. Called where bytes
//! come from or go to a socket.

pub mod answer;
pub mod body;
pub mod buffer;
pub mod chunked;
pub mod forwarded;
pub mod head;
pub mod question;
pub mod request;
pub mod response;
pub mod trailers;
pub mod vet;
