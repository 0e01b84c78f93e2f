//! Checks the origin of a system in this host's store. Nothing of a system is read or run before that.

use std::path::Path;

use crate::push::host::machine;
use crate::push::host::paths::HostPaths;
use crate::push::host::system;
use crate::push::ledger::{Entry, Ledger, Outcome};
use crate::push::protocol::closure;
use crate::push::protocol::{Origin, Target};

use super::error::GateError;

/// Checks that a target is the system that was signed for, and protects it from the garbage collector.
pub(super) fn check(paths: &HostPaths, target: &Target) -> Result<(), GateError> {
    let Target { system, origin } = target;
    closure::in_store(&paths.store, system)?;
    machine::hold(paths, system)?;
    if !machine::is_valid(system) {
        return Err(GateError::refused(format!("{} is not in this host's store", system.display())));
    }
    match origin {
        // What is in the store may have come from anywhere, so its contents have to be those that were signed for.
        Origin::Copied(signed) => {
            if closure::digest(system)? == *signed {
                return Ok(());
            }
            Err(GateError::refused(format!(
                "the contents of {} or of one of its dependencies differ from what was signed: the build changed in between, or \
                 somebody has tampered with a store; push again, or look for damage with `nix-store --verify --check-contents`",
                system.display()
            )))
        }
        Origin::RanBefore { old_keys } => {
            check_ran_here(paths, system)?;
            let again = keys_again(paths, system)?;
            if again.is_empty() || *old_keys {
                return Ok(());
            }
            Err(GateError::refused(format!(
                "{} trusts {}, which the fleet no longer lists: push the wanted state instead, or add --old-keys if those keys \
                 were never compromised",
                system.display(),
                again.join(", ")
            )))
        }
    }
}

/// The signing keys that a system trusts and the running one does not.
fn keys_again(paths: &HostPaths, system: &Path) -> Result<Vec<String>, GateError> {
    let file = system.join("etc/polder/signing-keys");
    // A system without the file, from before the first push, trusts no keys.
    let Some(text) = system::text(&paths.store, &file) else { return Ok(Vec::new()) };
    let present = std::fs::read_to_string(&paths.signing_keys)?;
    let trusted = |line: &&str| present.lines().any(|own| own.trim() == line.trim());
    let again = text.lines().filter(|line| !line.trim().is_empty()).filter(|line| !trusted(line));
    Ok(again.map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect())
}

/// Checks in the ledger that a system ran here before: only then may it be read, and gone back to.
pub(super) fn check_ran_here(paths: &HostPaths, system: &Path) -> Result<(), GateError> {
    let ran = |entry: &Entry| {
        entry.activation().is_some_and(|activated| {
            activated.before == system || (activated.system == system && activated.outcome == Outcome::Confirmed)
        })
    };
    match Ledger::new(paths.ledger()).entries()?.iter().any(ran) {
        true => Ok(()),
        false => {
            Err(GateError::refused(format!("{} never ran here, according to this host's ledger", system.display())))
        }
    }
}

#[cfg(test)]
mod tests;
