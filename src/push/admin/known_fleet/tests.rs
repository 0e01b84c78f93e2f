#![allow(clippy::unwrap_used)]
use std::path::Path;

use super::*;

/// An admin machine whose state is kept in a folder.
pub(crate) fn admin_in(folder: &Path) -> Admin {
    Admin {
        name: "admin-nl".to_owned(),
        location: "nl".to_owned(),
        deploy_key: folder.join("keys/deploy"),
        signing_key: folder.join("keys/signing"),
        deploy_user: "polder-deploy".to_owned(),
        working_copy: folder.join("fleet"),
        state_dir: folder.join("state"),
    }
}

#[test]
fn a_fleet_that_was_kept_is_known_and_without_one_it_is_said_what_to_do() {
    let kept = tempfile::tempdir().unwrap();
    let admin = admin_in(kept.path());
    let error = load(&admin).unwrap_err().to_string();
    assert!(error.contains("run `polder check` once, or add --fleet FILE"), "{error}");
    let text = r#"{ "version": 1, "hosts": {}, "zones": {}, "pools": {}, "systems": {} }"#;
    store(&admin, text).unwrap();
    assert!(load(&admin).unwrap().hosts.is_empty());
    store(&admin, "{").unwrap();
    assert!(load(&admin).unwrap_err().to_string().contains("run `polder check` to evaluate"));
}
