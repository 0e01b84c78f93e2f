//! The certificates by which members of etcd and proxies know each other (`polder keys agreement`).
//!
//! [`authority`] issues them, on the admin machine; [`files`] keeps them on a host; [`renewal`] takes all hosts to those of one authority, so
//! that no host ever shows a certificate that another one does not trust yet. The key of an authority never leaves the admin machine.

pub mod authority;
pub mod files;
pub mod renewal;
