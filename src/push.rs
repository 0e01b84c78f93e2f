//! From the operator's working copy to the hosts that run it, and back.
//!
//! On the admin machine ([`admin`]: its identity and its state):
//!
//! 1. [`pipeline`] goes from a folder to a plan: stage, evaluate, check, ask the hosts, compare.
//! 2. [`rollout`] carries out the plan: take the [`fleet_lock`], deliver, and for each host rehearse, activate, prove, confirm.
//! 3. [`rollback`] finds the systems to go back to and starts a rollout of them.
//!
//! [`remote`] connects to the hosts. [`deferred`] makes up for the commit of a push without the svn server, [`bootstrap`] installs a
//! host's first system, and [`keys`] makes and rotates keys.
//!
//! On a host ([`host`] is what the gate and the supervisor share): [`gate`] answers requests, [`rehearsal`] tries a system's daemons
//! beside the running ones, [`supervisor`] keeps an activated system on trial, and [`ledger`] records the outcome.
//!
//! Between the two: [`protocol`].
//!
//! Must never: change the folder it is given, except for its repository's own metadata. Called by the operator's verbs, which
//! parse arguments and print results.

pub mod admin;
mod at_once;
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
