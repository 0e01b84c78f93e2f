//! Where a system of this host's store comes from: nothing of one is read or run before that is known.

use std::path::Path;

use crate::push::closure;
use crate::push::ledger::{Entry, Event, Ledger, Outcome};
use crate::push::machine;
use crate::push::place::Place;
use crate::push::protocol::{Origin, Target};
use crate::push::system;

use super::serve::Refusal;

/// Whether a signed target is what its signer meant. From here on the garbage collector leaves it alone.
pub(super) fn check(place: &Place, target: &Target) -> Result<(), Refusal> {
    let Target { system, origin } = target;
    closure::in_store(&place.store, system)?;
    machine::hold(place, system)?;
    if !machine::is_valid(system) {
        return Err(Refusal::Why(format!("{} is not in this host's store, or not any more", system.display())));
    }
    match origin {
        // What lies in the store may have come from anywhere: it counts if its contents are those that were signed for.
        Origin::Copied(signed) => {
            if closure::digest(system)? == *signed {
                return Ok(());
            }
            Err(Refusal::Why(format!(
                "{}, or something that it needs, has other contents here than what was signed for: what was built changed in \
                 between, or somebody has tampered with a store; push again, and `nix-store --verify --check-contents` tells more",
                system.display()
            )))
        }
        Origin::RanBefore { old_keys } => {
            check_ran_here(place, system)?;
            let again = keys_again(place, system)?;
            if again.is_empty() || *old_keys {
                return Ok(());
            }
            Err(Refusal::Why(format!(
                "{} trusts {} again, which the fleet has stopped naming since: push what is wanted instead, or say --old-keys if \
                 those keys were never in foreign hands",
                system.display(),
                again.join(", ")
            )))
        }
    }
}

/// The keys that a system trusts and the present one does not.
fn keys_again(place: &Place, system: &Path) -> Result<Vec<String>, Refusal> {
    let file = system.join("etc/polder/signing-keys");
    // A system from before the first push trusts nobody.
    let Some(text) = system::text(&place.store, &file) else { return Ok(Vec::new()) };
    let present = std::fs::read_to_string(&place.signing_keys)?;
    let trusted = |line: &&str| present.lines().any(|own| own.trim() == line.trim());
    let again = text.lines().filter(|line| !line.trim().is_empty()).filter(|line| !trusted(line));
    Ok(again.map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect())
}

/// Whether a system ran here before, as the ledger says: then it may be read, and gone back to.
pub(super) fn check_ran_here(place: &Place, system: &Path) -> Result<(), Refusal> {
    let ran = |entry: &Entry| match &entry.event {
        Event::Activation { before, system: after, outcome, .. } => {
            before == system || (after == system && *outcome == Outcome::Confirmed)
        }
        _ => false,
    };
    match Ledger::new(place.ledger()).entries()?.iter().any(ran) {
        true => Ok(()),
        false => {
            Err(Refusal::Why(format!("{} did not run here before, as this host's ledger tells", system.display())))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;
    use crate::push::ledger::tests::record;

    /// A host that trusts the keys `a` and `b`, with a system in its store that trusts these.
    fn host(trusted: &str) -> (tempfile::TempDir, Place, std::path::PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let place = Place::under(&fs::canonicalize(root.path()).unwrap());
        let system = place.store.join("00000000000000000000000000000000-system");
        for (file, keys) in
            [(place.signing_keys.clone(), "a:AA==\nb:BB==\n"), (system.join("etc/polder/signing-keys"), trusted)]
        {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, keys).unwrap();
        }
        (root, place, system)
    }

    fn again(trusted: &str) -> Vec<String> {
        let (_root, place, system) = host(trusted);
        keys_again(&place, &system).unwrap_or_else(|_| panic!("the keys can be read"))
    }

    #[test]
    fn a_key_that_the_fleet_has_stopped_naming_or_changed_is_told_by_its_name() {
        assert_eq!(again("b:BB==\na:AA==\n"), [""; 0]);
        assert_eq!(again("a:AA==\nold:CC==\n"), ["old"]);
        assert_eq!(again("a:ZZ==\n"), ["a"]);
    }

    #[test]
    fn what_ran_here_is_what_the_ledger_confirms_and_what_it_came_from() {
        let (_root, place, _) = host("");
        let add = |before: &str, system: &str, outcome| {
            let (record, words) = (record("p"), String::new());
            let event = Event::Activation { record, before: before.into(), system: system.into(), outcome, words };
            let entry = Entry { at: 1, from: "admin-nl".to_owned(), signed_by: None, event };
            Ledger::new(place.ledger()).add(&entry).unwrap();
        };
        add("/s/a", "/s/b", Outcome::Confirmed);
        add("/s/b", "/s/c", Outcome::Reverted);
        for (system, ran) in [("/s/a", true), ("/s/b", true), ("/s/c", false), ("/s/d", false)] {
            assert_eq!(check_ran_here(&place, Path::new(system)).is_ok(), ran, "{system}");
        }
    }
}
