//! From the operator's working copy to the hosts that run it, and back.
//!
//! On the admin machine ([`admin`] is what it is and keeps):
//!
//! 1. [`pipeline`] goes from a folder to a plan: stage, evaluate, check, ask the hosts, compare.
//! 2. [`rollout`] does what the plan says: take the [`fleet_lock`], deliver, and for each host rehearse, activate, prove, confirm.
//! 3. [`rollback`] finds the systems to go back to, and has a rollout take the hosts there.
//!
//! [`remote`] is the way to the hosts. [`deferred`] commits follow a push that was made without the svn server; [`bootstrap`] comes
//! before the first one, [`keys`] before and between them.
//!
//! On a host ([`host`] is what both halves share): [`gate`] answers, [`rehearsal`] tries a system's daemons beside the running ones,
//! [`supervisor`] keeps an activated system on trial, and the [`ledger`] records what became of it.
//!
//! Between the two: [`protocol`] is what they say to each other.
//!
//! Must never: change the folder it is given, except for its repository's own book-keeping. Called by the operator's verbs, which
//! parse arguments and print results.

pub mod admin;
pub mod bootstrap;
pub mod deferred;
pub mod error;
pub mod fleet_lock;
pub mod gate;
mod hex;
pub mod host;
pub mod keys;
pub mod ledger;
pub mod pipeline;
mod program;
pub mod protocol;
pub mod rehearsal;
pub mod remote;
pub mod rollback;
pub mod rollout;
pub mod supervisor;
