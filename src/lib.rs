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
//! | where is it decided, or done | look in |
//! | --- | --- |
//! | what a document may say, and what is wrong with one | [`config`] |
//! | what a document's defaults are, a pool's TTL among them | [`config::defaults`] |
//! | that a backend or member is up or down | [`health::automaton`] |
//! | how a check asks, and what it takes for an answer | [`health::probe`] |
//! | what happens on SIGHUP, and that a bad document changes nothing | [`daemon::lifecycle::reload`] |
//! | which changed keys are taken in place | [`daemon::lifecycle::policy`] |
//! | how one process hands its sockets to the next | [`daemon::takeover`], [`daemon::lifecycle::handover`] |
//! | how sockets outlive a crash | [`daemon::fd_store`] |
//! | which backends may get a request | [`daemon::eligibility`] |
//! | who may come to a service, by network, password or another server's word | [`proxy::edge`], `proxy::traffic::admit` |
//! | what no visitor may say to a backend, because the proxy does | [`proxy::edge::own_fields`] |
//! | which certificate a visitor gets; that a renewed one is used | [`proxy::tls`] |
//! | that a backend over TLS is who it must be | [`tls::client`] |
//! | that a disk which hangs holds up no files but its own | [`daemon::looks`] |
//! | which certificates are ordered from a CA, by which daemon, when, and after which pause | [`acme::orders`] |
//! | what of what is known is too old to be acted on | [`health::proof`] |
//! | what peers tell each other | [`daemon::peers::changes`](mod@daemon::peers) |
//! | which backend a request gets | [`proxy::choose`] |
//! | that a guarded path is not open under another spelling | [`proxy::route::spelling`] |
//! | how many requests a visitor may make; which response is compressed | [`proxy::edge::rate_limit`]; [`proxy::edge::compression`] |
//! | which request gets the next place of a busy backend | [`proxy::queue`] |
//! | whom a proxy before ours names as the visitor | [`proxy_protocol`], `proxy::traffic::proxy_header` |
//! | what is answered without a backend; which file a path means | [`proxy::target`], [`proxy::target::files`] |
//! | what a request is called; how it ended, in letters and in words; where that is written and kept | [`proxy::request_id`]; [`proxy::traffic::termination`]; [`proxy::traffic::access_log`] |
//! | how the proxy's cookie is read and made | [`proxy::choose::cookie`] |
//! | when a stateful service fails over, and that it stays | [`proxy::latch`] |
//! | that two operators cannot take the last two away at once | [`daemon::operator::proposals`] |
//! | that one daemon at a time has a state directory | [`daemon::state_lock`] |
//! | that a command is answered when it is on disk | [`daemon::lifecycle::persistence`] |
//! | that a failover is written before it takes effect (unless the disk fails or takes longer than 1 s) | [`proxy::latch::latches`], [`proxy::latch::store`] |
//! | how a request is tried on another backend, and how often | `proxy::traffic::dispatch`, `proxy::traffic::retry`, [`proxy::retry_budget`] |
//! | that a copy of a slow request runs on another backend, and which response is taken | `proxy::traffic::hedge`, `proxy::traffic::race` |
//! | what a malformed request is | [`proxy::traffic::http1`] |
//! | what a name is answered with; which wildcard is used for one that does not exist | [`dns::answer`]; `dns::compiled::zones` |
//! | which addresses a pool answers with | [`dns::pool`] |
//! | what a zone file may say | [`zone`] |
//! | what a zone is signed with; when a key is published and signs | [`dnssec`]; [`dnssec::Times`] |
//! | what is served of a zone that cannot be read at a start | `dns::run::document`; [`dns::zone_copies`] |
//! | what must hold across hosts | [`fleet::check`] |
//! | what changes on a host, in sentences | [`fleet::diff`] |
//! | how a working copy becomes a fleet and a plan | [`push::pipeline`] |
//! | which hosts may be switched at once | [`push::pipeline::order`] |
//! | that a host got worse; that the push then stops | [`push::rollout::prove`]; `push::rollout::host` |
//! | what a pusher may ask of a host | [`push::protocol`], [`push::gate`] |
//! | how a host goes back by itself | [`push::supervisor`] |
//! | whether the promises hold | [`demo`] |
//! | how the members of etcd stand, by which proxies agree | [`etcd::standing`] |
//! | what a configuration of HAProxy or Caddy comes to here | [`import`] |
//! | what a daemon remembers of what happened | [`daemon::history`] |
//! | whose files are believed | [`ownership`] |
//! | how the words of others are shown | [`printable`] |
//! | how a number is told with its noun | [`counted`] |
//! | how work of many pieces is done on all cores | [`parallel`] |
//!
//! A module uses those below it: verbs -> demo, push -> fleet -> proxy, dns -> acme -> daemon, etcd -> api -> health -> dnssec -> import, tls, zone -> config. `proxy` and `dns`
//! never use each other. `counted`, `files`, `log_line`, `memory`, `ownership`, `parallel`, `printable`, `proxy_protocol` and the clocks stand below all. tests/architecture holds all of this.

pub mod acme;
pub mod api;
pub mod config;
pub mod counted;
pub mod daemon;
pub mod demo;
pub mod dns;
pub mod dnssec;
pub mod etcd;
pub mod files;
pub mod fleet;
pub mod health;
pub mod import;
pub mod log_line;
pub mod memory;
pub mod ownership;
pub mod parallel;
pub mod printable;
pub mod proxy;
pub mod proxy_protocol;
pub mod push;
pub mod random;
pub mod running_time;
pub mod tls;
pub mod unix_time;
pub mod verbs;
pub mod zone;
