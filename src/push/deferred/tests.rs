#![allow(clippy::unwrap_used)]
use super::*;
use crate::push::admin::known_fleet::tests::admin_in;

#[test]
fn what_is_recorded_is_kept_and_the_same_push_stands_once() {
    let kept = tempfile::tempdir().unwrap();
    let (admin, folder) = (admin_in(kept.path()), kept.path().join("fleet"));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("a"), "1").unwrap();
    assert_eq!(all(&admin), Ok(Vec::new()));
    let staged = stage(&folder).unwrap();
    for (push, message) in [("p1", "first"), ("p2", "second"), ("p2", "second")] {
        record(&admin, &staged, message, "alice@admin-nl", push).unwrap();
    }
    let records = all(&admin).unwrap();
    assert_eq!(records.iter().map(|one| one.push.as_str()).collect::<Vec<_>>(), ["p1", "p2"]);
    assert_eq!(records[0].tree, staged.hash().unwrap());
    assert_eq!(message(&records), "first\n\nsecond\n\nDeployed before it was committed, by push p1, p2.");
    for (push, left) in [("p1", 1), ("p0", 1), ("p2", 0), ("p2", 0)] {
        withdraw(&admin, push).unwrap();
        assert_eq!(all(&admin).unwrap().len(), left, "{push}");
    }
}

#[test]
fn a_record_of_another_form_is_no_reason_to_forget_it() {
    let kept = tempfile::tempdir().unwrap();
    let admin = admin_in(kept.path());
    state::write(&file(&admin), "{").unwrap();
    assert!(all(&admin).unwrap_err().to_string().contains("commit by hand, then remove it"));
    assert!(matches!(reconcile(&admin, kept.path()), Err(ReconcileError::Failed(_))));
}
