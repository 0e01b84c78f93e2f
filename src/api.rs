//! The admin API: what both daemons' status, answers and requests are in JSON, and the client that asks them.
//!
//! [`proxy`] and [`dns`] document the paths of each daemon; [`daemon`] is what both have alike, [`operator`] the operator's states and
//! commands with their [`bounds`], [`query`] the query of a request; [`client`] asks over the admin socket; [`certificates`] are those that either shows, [`agreement`] is what
//! a proxy knows of the members of etcd. Must never: know
//! how a daemon works. The daemons fill these types; the operator's verbs, the demo and the push read them.

pub mod agreement;
pub mod alarms;
pub mod bounds;
pub mod certificates;
pub mod client;
pub mod counters;
pub mod daemon;
pub mod dns;
pub mod events;
pub mod operator;
pub mod proxy;
pub mod quantile;
pub mod query;
pub mod status;
pub mod why;
