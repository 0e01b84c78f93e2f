//! From the operator's working copy towards the hosts: one phase a file.
//!
//! [`stage`] makes a clean copy of what is known of a folder, [`evaluate`] makes the fleet document of it, [`changes`] finds the
//! zones that differ from the last revision, [`served`] asks the nameservers for their serials. Must never: change the
//! folder it is given, or any host. Called by `polder check`.

pub mod changes;
pub mod evaluate;
mod program;
pub mod served;
pub mod stage;
