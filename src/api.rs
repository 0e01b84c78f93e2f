//! The words of the admin API: what both daemons' status, answers and requests are in JSON, and the client that asks them.
//!
//! [`proxy`] and [`dns`] document the paths of each daemon; [`query`] is the query of a request, [`client`] asks over the admin
//! socket. Knows nothing of what stands behind the words: the daemons fill them, the operator's verbs, the demo and the push read them.

pub mod client;
pub mod dns;
pub mod proxy;
pub mod query;
