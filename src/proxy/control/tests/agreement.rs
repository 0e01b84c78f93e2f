//! Proxies that agree by a store: what each makes of it, with a store that keeps etcd's rules and messages that may be late or lost.

mod fleet;
mod model;
mod scenarios;
mod simulation;
mod store;
