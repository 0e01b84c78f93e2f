//! Zones that come from other nameservers (RFC 1034, 4.3.5): when they are looked for, what a primary may send, and how they are kept.
//!
//! [`timers`] decides when whom is asked (pure), [`incoming`] reads what comes (pure), [`made`] makes a zone of it and checks it, [`stored`] keeps it
//! on disk before it is served. `run::secondaries` asks, `control::secondaries` serves. Must never: serve what is not whole, not signed with
//! the primary's key, or of another zone.

pub mod bell;
pub mod incoming;
pub mod made;
pub mod rdata;
pub mod stored;
pub mod timers;
