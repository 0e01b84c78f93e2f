//! `polder reconcile` with a real Subversion server that goes away and comes back.
//!
//! Needs svn, and so is apart from `cargo test`: `cargo test --test reconcile -- --ignored`.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use polder::push::admin::Admin;
use polder::push::deferred;
use polder::push::deferred::svn;
use polder::push::pipeline::stage::stage;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A repository, the working copies of two admin machines, and the state of the first.
struct Site {
    kept: TempDir,
}

impl Site {
    fn new() -> Site {
        let site = Site { kept: tempfile::tempdir().unwrap() };
        let repository = format!("file://{}/repository", site.root().display());
        site.run(site.root(), "svnadmin", &["create", "repository"]);
        site.run(site.root(), "svn", &["checkout", "--quiet", &repository, "nl"]);
        for (file, text) in [("a.nix", "one\ntwo\nthree\nfour\nfive\nsix\n"), ("b.nix", "b\n"), ("gone.nix", "gone\n")]
        {
            fs::write(site.nl().join(file), text).unwrap();
        }
        site.svn(&site.nl(), &["add", "--quiet", "a.nix", "b.nix", "gone.nix"]);
        site.svn(&site.nl(), &["commit", "--quiet", "--message", "the fleet"]);
        site.svn(&site.nl(), &["update", "--quiet"]);
        site.run(site.root(), "svn", &["checkout", "--quiet", &repository, "ch"]);
        let admin = json!({
            "version": 1, "name": "admin-nl", "location": "nl", "deploy_user": "polder-deploy",
            "deploy_key": "/nowhere", "signing_key": "/nowhere",
            "working_copy": site.nl(), "state_dir": site.root().join("state"),
        });
        fs::write(site.root().join("admin.json"), admin.to_string()).unwrap();
        site
    }

    fn root(&self) -> &Path {
        self.kept.path()
    }

    fn nl(&self) -> PathBuf {
        self.root().join("nl")
    }

    fn ch(&self) -> PathBuf {
        self.root().join("ch")
    }

    fn run(&self, folder: &Path, program: &str, arguments: &[&str]) -> String {
        let ran = Command::new(program).args(arguments).current_dir(folder).env("HOME", self.root()).output();
        let ran = ran.unwrap_or_else(|error| panic!("{program}: {error}; install subversion"));
        assert!(ran.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap()
    }

    fn svn(&self, folder: &Path, arguments: &[&str]) {
        self.run(folder, "svn", arguments);
    }

    /// The server goes away, or comes back.
    fn server(&self, is_there: bool) {
        let names = ["repository", "away"].map(|name| self.root().join(name));
        let (from, to) = if is_there { (&names[1], &names[0]) } else { (&names[0], &names[1]) };
        fs::rename(from, to).unwrap();
    }

    /// Edits, removes and adds a file, as an operator does.
    fn edit(&self, folder: &Path) {
        let text = fs::read_to_string(folder.join("a.nix")).unwrap();
        fs::write(folder.join("a.nix"), text.replace("one", "ONE")).unwrap();
        fs::create_dir(folder.join("new folder")).unwrap();
        fs::write(folder.join("new folder/c@1.nix"), "c\n").unwrap();
        self.svn(folder, &["add", "--quiet", "new folder"]);
        self.svn(folder, &["delete", "--quiet", "gone.nix"]);
    }

    /// What `polder push --defer` does at its end.
    fn defer(&self) {
        let admin = Admin::load(&self.root().join("admin.json")).unwrap();
        let staged = stage(&self.nl()).unwrap();
        deferred::record(&admin, &staged, "web-1: more memory", "alice@admin-nl", "p1").unwrap();
    }

    fn reconcile(&self) -> (Option<i32>, Value, String) {
        let ran = Command::new(env!("CARGO_BIN_EXE_polder"))
            .args(["reconcile", "--json"])
            // Where no flake is: the working copy of the admin document is meant.
            .current_dir(self.root())
            .env("POLDER_ADMIN", self.root().join("admin.json"))
            .env("HOME", self.root())
            .output()
            .unwrap();
        let said = serde_json::from_slice(&ran.stdout).unwrap_or(Value::Null);
        (ran.status.code(), said, String::from_utf8(ran.stderr).unwrap())
    }

    fn is_deferred(&self) -> bool {
        self.root().join("state/deferred.json").exists()
    }

    fn local_changes(&self) -> String {
        self.run(&self.nl(), "svn", &["status"])
    }
}

#[test]
#[ignore = "needs svn: cargo test --test reconcile -- --ignored"]
fn what_was_deferred_is_committed_when_the_server_is_back_and_is_what_was_deployed() {
    let site = Site::new();
    let (code, said, _) = site.reconcile();
    assert_eq!((code, said), (Some(0), json!({ "deferred": false })));

    site.server(false);
    site.edit(&site.nl());
    site.defer();
    let (code, said, complaint) = site.reconcile();
    assert_eq!((code, &said["deferred"]), (Some(1), &json!(true)), "{complaint}");
    assert!(complaint.contains("svn server does not answer"), "{complaint}");

    site.server(true);
    let (code, said, complaint) = site.reconcile();
    let done = &said["reconciled"];
    assert_eq!(code, Some(0), "{complaint}");
    assert_eq!((&done["revision"], &done["committed"], &done["not_deployed"]), (&json!(2), &json!(true), &json!([])));
    assert_eq!(done["deployed"], done["now"]);
    assert_eq!((site.is_deferred(), site.local_changes()), (false, String::new()));
    let log = site.run(&site.nl(), "svn", &["log", "--revision", "2"]);
    assert!(log.contains("web-1: more memory") && log.contains("by push p1"), "{log}");
    assert_eq!(stage(&site.nl()).unwrap().revision.in_words(), "r2");
}

#[test]
#[ignore = "needs svn: cargo test --test reconcile -- --ignored"]
fn a_file_that_was_edited_since_is_not_committed() {
    let site = Site::new();
    site.edit(&site.nl());
    site.defer();
    fs::write(site.nl().join("b.nix"), "edited since\n").unwrap();
    let (code, _, complaint) = site.reconcile();
    assert_eq!(code, Some(1), "{complaint}");
    assert!(complaint.contains("b.nix is not as it was deployed"), "{complaint}");
    assert!(site.is_deferred());
    assert_eq!(svn::server_state(&site.ch(), svn::GLANCE).unwrap().head, 1);
}

#[test]
#[ignore = "needs svn: cargo test --test reconcile -- --ignored"]
fn what_others_committed_elsewhere_is_named_as_not_deployed() {
    let site = Site::new();
    site.edit(&site.nl());
    site.defer();
    fs::write(site.ch().join("b.nix"), "theirs\n").unwrap();
    site.svn(&site.ch(), &["commit", "--quiet", "--message", "theirs"]);
    assert_eq!(svn::server_state(&site.nl(), svn::GLANCE).unwrap(), svn::ServerState { head: 2, behind: 1 });

    let (code, said, complaint) = site.reconcile();
    assert_eq!(code, Some(0), "{complaint}");
    let done = &said["reconciled"];
    assert_eq!((&done["revision"], &done["not_deployed"]), (&json!(3), &json!(["b.nix"])), "{said}");
    assert_eq!(svn::server_state(&site.nl(), svn::GLANCE).unwrap().behind, 0);
}

#[test]
#[ignore = "needs svn: cargo test --test reconcile -- --ignored"]
fn a_file_that_others_changed_too_is_not_committed_merged_or_in_conflict() {
    for (theirs, expected) in [("six", "merged other changes into it"), ("one", "is in conflict")] {
        let site = Site::new();
        site.edit(&site.nl());
        site.defer();
        let text = fs::read_to_string(site.ch().join("a.nix")).unwrap();
        fs::write(site.ch().join("a.nix"), text.replace(theirs, "theirs")).unwrap();
        site.svn(&site.ch(), &["commit", "--quiet", "--message", "theirs"]);

        let (code, _, complaint) = site.reconcile();
        assert_eq!(code, Some(1), "{complaint}");
        assert!(complaint.contains("a.nix") && complaint.contains(expected), "{complaint}");
        assert!(complaint.contains("nothing is committed") && site.is_deferred(), "{complaint}");
        assert_eq!(svn::server_state(&site.ch(), svn::GLANCE).unwrap().head, 2);
    }
}

#[test]
#[ignore = "needs svn: cargo test --test reconcile -- --ignored"]
fn what_the_other_admin_committed_already_is_found_there() {
    let site = Site::new();
    site.edit(&site.nl());
    site.defer();
    site.edit(&site.ch());
    site.svn(&site.ch(), &["commit", "--quiet", "--message", "the same"]);

    let (code, said, complaint) = site.reconcile();
    assert_eq!(code, Some(0), "{complaint}");
    let done = &said["reconciled"];
    assert_eq!((&done["revision"], &done["committed"], &done["not_deployed"]), (&json!(2), &json!(false), &json!([])));
    assert_eq!((site.is_deferred(), site.local_changes()), (false, String::new()));
}
