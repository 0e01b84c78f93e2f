//! Configurations of other programs, turned into the proxy's document: what `polder import` does (pure).
//!
//! Owns the readers of HAProxy's and Caddy's configurations ([`haproxy`], [`caddy`]), the way from ordered rules to polder's table
//! of hosts and paths ([`routes`]), and both forms of the result: `proxy.json` ([`json`]) and options of Nix ([`fleet`], [`nix`]).
//! Whatever comes in, what comes out has passed [`crate::config::proxy`], the reader that the daemon has; what does not is left out,
//! and every statement that is left out, or means something else here, is told with its line ([`note`]). Must never: open a file,
//! look anything up, guess in silence. Called by the verb `import`.

pub mod answers;
pub mod bounds;
pub mod caddy;
pub mod condition;
pub mod dial;
pub mod draft;
pub mod error;
pub mod fleet;
pub mod guards;
pub mod haproxy;
pub mod headers;
pub mod json;
pub mod nix;
pub mod note;
pub mod routes;
pub mod settle;
pub mod tree;
pub mod vet;

pub use error::ImportError;
pub use settle::Imported;

/// What a configuration may refer to outside of itself: variables of the environment.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;
