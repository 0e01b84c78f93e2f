//! From the operator's working copy to the hosts, and what waits there: one phase a file.
//!
//! On the admin machine ([`admin`]): [`prepare`] goes from a folder to a fleet that was checked, by [`stage`], [`evaluate`], [`changes`]
//! and [`served`]; [`selection`] says which hosts are meant, [`survey`] asks how they are, [`plan`], [`order`] and [`overtaken`] what is to be done,
//! [`locking`] takes the lock, [`rollout`] does it, and [`prove`] looks at it from outside. [`remote`] is the way to the hosts.
//! Afterwards: [`rollback`], [`deferred`] commits and [`svn`]. What is kept between pushes: [`known_fleet`], [`wanted`], [`copies`].
//! [`bootstrap`] and [`keys`] come before the first one.
//!
//! On the hosts ([`place`]): [`gate`] answers, [`lock`] keeps pushers apart, [`rehearsal`] tries a system's daemons, [`supervisor`]
//! keeps an [`activation`] on trial, and [`ledger`] what became of it.
//!
//! Between the two: [`protocol`] is what both sides say, [`manifest`] how an instruction is signed ([`signing`]) for one host and one
//! moment, [`upload`] how store paths travel, and [`closure`] what names a system's contents.
//!
//! Must never: change the folder it is given, but for its repository's own book-keeping. Called by the operator's verbs.

pub mod activation;
pub mod admin;
pub mod bootstrap;
pub mod changes;
pub mod closure;
pub mod copies;
pub mod deferred;
pub mod evaluate;
pub mod gate;
pub mod keys;
pub mod known_fleet;
pub mod ledger;
pub mod lock;
pub mod locking;
pub mod machine;
pub mod manifest;
pub mod order;
pub mod origin;
pub mod overtaken;
pub mod place;
pub mod plan;
pub mod prepare;
mod program;
pub mod protocol;
pub mod prove;
pub mod rehearsal;
pub mod remote;
pub mod rollback;
pub mod rollout;
pub mod selection;
pub mod served;
pub mod signing;
pub mod stage;
pub mod supervisor;
pub mod survey;
pub mod svn;
pub mod system;
pub mod upload;
pub mod wanted;
