//! The keys of signed zones (RFC 4034): read, made, told to the parent, and what they sign.
//!
//! Keys are kept as BIND keeps them, a pair of files each: `Kexample.com.+013+12345.key` holds the DNSKEY record, `.private` the secret.
//! Every nameserver of a zone has the same files, and all of them make byte for byte the same signatures: signing is deterministic
//! (ECDSA by RFC 6979), so that they can sign each by itself.
//!
//! 1. `folder` finds the pairs of a zone; `public_file` and `private_file` read their halves; `error` is what is wrong with one of them
//! 2. `key` is the pair that fits together: its tag, its DNSKEY and DS, whether its `times` let it be published and sign;
//!    `acting` says what each does beside the others
//! 3. `secret` signs; `public_key` verifies
//! 4. `make` makes a key and its files, and gives one other times; [`roll`] says what makes a successor of one, [`schedule`] many of them ahead;
//!    [`parent_roll`] what replaces one that the parent knows
//! 5. [`nsec3`] hashes names, for denials that do not list a zone; [`rrsig`] reads signatures, over the form of records that [`canonical`] gives
//! 6. [`validate`] looks at a whole zone as validators would, and [`zonemd`] at its digest
//!
//! Reads and writes key files and nothing else. Must never: show a secret, in an error, a log line or `Debug`; write over a key that is
//! there. Knows nothing of zones but their names. Called by the nameserver where it signs, and by the operator's command.

mod acting;
mod algorithm;
pub mod canonical;
mod error;
mod folder;
mod key;
mod make;
pub mod nsec3;
pub mod parent_roll;
mod private_file;
mod public_file;
mod public_key;
pub mod roll;
pub mod rrsig;
pub mod schedule;
mod secret;
#[cfg(test)]
mod tests;
mod times;
pub mod validate;
pub mod zonemd;

pub use acting::Acting;
pub use algorithm::{Algorithm, Digest};
pub use error::KeyError;
pub use folder::{KeyFiles, file_stem, files_of, read_keys, tags};
pub use key::{Role, ZoneKey, ds, tag};
pub use make::{MadeKey, make, set_times};
pub use public_key::{is_verifiable, verify};
pub use times::{Step, Times};
