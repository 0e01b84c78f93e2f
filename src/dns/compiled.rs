//! Zones compiled for answering: every name with its record sets in wire format, found without allocation.
//!
//! Owns: where a name leads inside our zones ([`Zones::zone_of`], [`Zone::find`]). Immutable once built by [`compile`];
//! shared by all snapshots until the next reload. Must never: know what checks say; a pool's addresses are the
//! snapshot's.

mod build;
mod names;
mod order;
mod owners;
mod presigned;
mod rrset;
mod signatures;
mod text;
mod whole;
mod zones;

pub use build::{compile, compile_zone};
pub use names::{Node, PoolId};
pub use owners::PoolOwners;
pub use rrset::{NodeId, OwnRrSet, RrSet, Shape, put};
pub use signatures::{Given, Hashing, Life, NameHash, Signatures, TooLarge};
pub use zones::{Authority, Found, MOST_SLOTS, Slot, Zone, Zones};
