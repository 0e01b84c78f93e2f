//! Signing zones (RFC 4035, 2): off the query path, whenever what is answered changes or signatures get old.
//!
//! Owns which key signs what, for which time, and what is signed of a zone and of a pool's names. Pure, and the same on every nameserver that has
//! the same keys and the same time: signatures follow from what is signed and from the hour. Must never: read a file or a clock. Called when a document
//! is made ready, and by [`control`](super::control) before it publishes a snapshot.

mod ahead;
mod chain;
mod digest;
#[cfg(test)]
pub mod fixture;
mod hash;
mod made;
mod nodes;
mod period;
pub mod pools;
mod roles;
mod rrset;
mod signer;
mod told;
mod zone;

pub use ahead::{Ahead, most_answers, sign_ahead, sign_answers};
pub use hash::hash;
pub use made::Made;
pub use period::hour_of;
pub use roles::{Moment, SERIALS_PER_HOUR};
pub use signer::{Signers, ZoneSigner};
pub use zone::{Unsignable, check_signable, sign_zone};

#[cfg(test)]
mod tests;
