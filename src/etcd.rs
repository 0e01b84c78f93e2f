//! etcd, by which proxies agree: how a member is reached, and what it says of itself and of the others.
//!
//! Owns connections and the reading of answers. Must never: know what polder keeps there; that is `proxy::agreement`'s. Used by the proxy, and by
//! the verbs `polder agreement`.

pub mod connection;
pub mod files;
pub mod first;
pub mod look;
pub mod membership;
pub mod standing;

pub use connection::{Error, connect, options, within};
pub use first::first_to_answer;
pub use look::{Answer, Listed};
pub use standing::{Asked, cluster};
