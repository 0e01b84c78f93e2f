//! polder keeps websites reachable while machines and operators fail.
//!
//! This page is the map. Two daemons and an operator's command are thin binaries over this one library:
//!
//! - `polder-dns` ([`dns`]) answers a visitor's resolver with the proxies that are fit;
//! - `polder-proxy` ([`proxy`]) takes the visitor's request to a healthy backend;
//! - `polder` ([`verbs`]) is how the operator looks at them and speaks to them.
//!
//! # A query, a request
//!
//! A query comes in at `dns::udp`, is answered by `dns::answer` from the present snapshot, and leaves. A request comes in
//! at `proxy::traffic`, is vetted, routed ([`proxy::route`]) and given a backend ([`proxy::choose`]) from the
//! present snapshot, and is forwarded. A snapshot is immutable; whoever wants a change builds the next one and swaps it whole.
//!
//! # A change
//!
//! Each daemon has one control thread. Everything that can change comes there as an event: a probe's verdict ([`health`]), an
//! operator's word ([`api::operator`]), what a peer knows ([`daemon::peers`]), a new document ([`config`]), a new process
//! that wants to take over ([`daemon::takeover`]). Control decides with pure functions, writes down what must survive
//! ([`daemon::state_file`]), builds the next snapshot and swaps it.
//!
//! # A push
//!
//! On an admin machine, [`push::pipeline::stage`] copies what is known of the working copy, [`push::pipeline::evaluate`] makes a [`fleet`] of it, and
//! [`push::pipeline::plan`](mod@push::pipeline::plan) compares that with what the hosts say of themselves. [`push::rollout`] takes the hosts there, each through its
//! [`push::gate`]: [`push::rehearsal`], a switch under [`push::supervisor`], [`push::rollout::prove`], confirmation. Each side decides with what it
//! knows: the pusher whether a host is better or worse, the host when it has waited long enough.
//!
//! # Where to look
//!
//! | for | look in |
//! | --- | --- |
//! | what a document may say, and the words of every error | [`config`] |
//! | when a target is up | [`health::automaton`] |
//! | which backend a request gets | [`proxy::choose`] |
//! | when a stateful service moves, and that it stays | [`proxy::latch`] |
//! | what a malformed request is | [`proxy::traffic::http1`] |
//! | what a name is answered with | `dns::answer` |
//! | what a zone file may say | [`zone`] |
//! | how sockets outlive a process | [`daemon::sockets`], [`daemon::takeover`], [`daemon::fd_store`] |
//! | what must hold across hosts | [`fleet::check`] |
//! | how a working copy becomes a fleet | [`push`] |
//! | what changes on a host, in sentences | [`fleet::diff`] |
//! | which hosts may be switched at once | [`push::pipeline::order`] |
//! | what a pusher may ask of a host | [`push::protocol`] |
//! | how a host goes back by itself | [`push::supervisor`] |
//! | whether the promises hold | [`demo`] |
//! | whose files are believed | [`ownership`] |
//! | how words of others are shown | [`printable`] |
//!
//! Dependencies point one way: verbs -> demo, push -> fleet -> proxy, dns -> health, daemon -> config, zone. `proxy` and `dns`
//! never import each other. `ownership` and `printable` depend on nothing.

pub mod api;
pub mod config;
pub mod daemon;
pub mod demo;
pub mod dns;
pub mod files;
pub mod fleet;
pub mod health;
pub mod ownership;
pub mod printable;
pub mod proxy;
pub mod push;
pub mod unix_time;
pub mod verbs;
pub mod zone;
