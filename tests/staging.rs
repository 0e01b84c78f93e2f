//! `polder check` on real working copies: what is staged of Subversion's and git's, what is refused, and how it is told.
//!
//! Needs svn and git, and so is apart from `cargo test`: `cargo test --test staging -- --ignored`.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use polder::push::pipeline::stage::{StageError, Staged, stage};
use tempfile::TempDir;

const ZONE: &str = "hosts/zones/example.net.zone";

/// A working copy of the example fleet, committed.
struct Copy {
    kept: TempDir,
}

impl Copy {
    fn svn() -> Copy {
        let copy = Copy { kept: tempfile::tempdir().unwrap() };
        let root = copy.kept.path().display();
        let repository = format!("file://{root}/repository");
        copy.ran(copy.kept.path(), "svnadmin", &["create", "repository"]);
        copy.ran(copy.kept.path(), "svn", &["checkout", "--quiet", &repository, "copy"]);
        copy.fill();
        copy.run("svn", &["add", "--quiet", "hosts", "flake.nix"]);
        copy.run("svn", &["propset", "--quiet", "svn:ignore", "result", "."]);
        copy.run("svn", &["commit", "--quiet", "--message", "the fleet"]);
        copy
    }

    fn git() -> Copy {
        let copy = Copy { kept: tempfile::tempdir().unwrap() };
        fs::create_dir(copy.folder()).unwrap();
        copy.run("git", &["init", "--quiet", "--initial-branch", "main"]);
        copy.fill();
        copy.write(".gitignore", "result\n");
        copy.run("git", &["add", "."]);
        copy.git_commit();
        copy
    }

    fn git_commit(&self) {
        let who = ["-c", "user.name=a", "-c", "user.email=a@example.net", "-c", "commit.gpgsign=false"];
        self.run("git", &[&who[..], &["commit", "--quiet", "--all", "--message", "the fleet"]].concat());
    }

    fn fill(&self) {
        let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("hosts");
        self.ran(&self.folder(), "cp", &["-R", hosts.to_str().unwrap(), "."]);
        self.write("flake.nix", "{ }");
    }

    fn folder(&self) -> PathBuf {
        self.kept.path().join("copy")
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.folder().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.folder().join(file)).unwrap();
        assert!(text.contains(from), "{from} is not in {file}");
        self.write(file, &text.replace(from, to));
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        self.ran(&self.folder(), program, arguments);
    }

    fn ran(&self, folder: &Path, program: &str, arguments: &[&str]) {
        let ran = Command::new(program).args(arguments).current_dir(folder).env("HOME", self.kept.path()).output();
        let ran = ran.unwrap_or_else(|error| panic!("{program}: {error}; install subversion and git"));
        assert!(ran.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    fn stage(&self) -> Staged {
        stage(&self.folder()).unwrap_or_else(|refusal| panic!("{refusal:?}"))
    }

    /// `file: message` of each file that is refused.
    fn refused(&self) -> Vec<String> {
        match stage(&self.folder()) {
            Err(StageError::Files(unfit)) => {
                unfit.iter().map(|one| format!("{}: {}", one.file.display(), one.message)).collect()
            }
            other => panic!("not refused: {other:?}"),
        }
    }

    /// `polder check` of it, with the example fleet as Nix evaluated it.
    fn check(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let fleet = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fleet/example.json");
        let ran: Output = Command::new(env!("CARGO_BIN_EXE_polder"))
            .args(["check", "--offline", "--fleet", fleet.to_str().unwrap()])
            .args(arguments)
            .current_dir(self.folder())
            .output()
            .unwrap();
        (ran.status.code(), String::from_utf8(ran.stdout).unwrap())
    }
}

fn below(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                files.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    files.sort();
    files
}

#[test]
#[ignore = "needs svn: cargo test --test staging -- --ignored"]
fn a_working_copy_is_staged_with_its_changes_and_nothing_else() {
    let copy = Copy::svn();
    assert_eq!(copy.stage().revision.in_words(), "r1");

    copy.edit("hosts/px-nl.nix", "{", "{ # changed: $Revision$\n");
    copy.run("svn", &["propset", "--quiet", "svn:keywords", "Revision", "hosts/px-nl.nix"]);
    copy.write("hosts/new host@1.nix", "{ }");
    copy.run("svn", &["add", "--quiet", "hosts/new host@1.nix@"]);
    copy.run("svn", &["delete", "--quiet", "hosts/svn.nix"]);
    std::os::unix::fs::symlink("/nonexistent", copy.folder().join("result")).unwrap();

    let staged = copy.stage();
    assert_eq!(staged.revision.in_words(), "r1 with 3 local changes");
    let files = below(&staged.folder());
    assert!(files.contains(&"hosts/new host@1.nix".to_owned()), "{files:?}");
    for absent in ["hosts/svn.nix", "result"] {
        assert!(!files.contains(&absent.to_owned()), "{absent} in {files:?}");
    }
    assert!(!files.iter().any(|file| file.contains(".svn")), "{files:?}");
    let changed = fs::read_to_string(staged.folder().join("hosts/px-nl.nix")).unwrap();
    assert!(changed.contains("# changed: $Revision$\n"), "keywords stay as they are written: {changed}");
}

#[test]
#[ignore = "needs svn: cargo test --test staging -- --ignored"]
fn a_working_copy_of_several_revisions_says_so() {
    let copy = Copy::svn();
    copy.edit("flake.nix", "{ }", "{ } # two");
    copy.run("svn", &["commit", "--quiet", "--message", "two"]);
    assert_eq!(copy.stage().revision.in_words(), "r1:2");
    copy.run("svn", &["update", "--quiet"]);
    assert_eq!(copy.stage().revision.in_words(), "r2");
}

#[test]
#[ignore = "needs svn: cargo test --test staging -- --ignored"]
fn each_kind_of_unfit_file_of_a_working_copy_gets_its_own_answer() {
    let copy = Copy::svn();
    copy.edit("hosts/web-1.nix", "{", "{ # theirs\n");
    copy.run("svn", &["commit", "--quiet", "--message", "theirs"]);
    copy.run("svn", &["update", "--quiet", "--revision", "1"]);
    copy.edit("hosts/web-1.nix", "{", "{ # mine\n");
    copy.run("svn", &["update", "--quiet", "--non-interactive", "--accept", "postpone"]);
    copy.write("hosts/new one.nix", "{ }");
    fs::remove_file(copy.folder().join("hosts/web-2.nix")).unwrap();
    fs::remove_file(copy.folder().join("hosts/web-3.nix")).unwrap();
    fs::create_dir(copy.folder().join("hosts/web-3.nix")).unwrap();
    copy.run("svn", &["propset", "--quiet", "svn:externals", "^/hosts/zones more", "hosts/www"]);
    copy.edit("flake.nix", "{ }", "{ } # modified: this is fit");

    assert_eq!(
        copy.refused(),
        [
            "hosts/new one.nix: is not under version control: `svn add 'hosts/new one.nix'`, or remove it, or set svn:ignore \
             for it",
            "hosts/web-1.nix: is in conflict: resolve it by hand, then `svn resolve --accept working hosts/web-1.nix`",
            "hosts/web-2.nix: is missing: `svn revert hosts/web-2.nix` restores it, `svn delete hosts/web-2.nix` removes \
             it",
            "hosts/web-3.nix: is obstructed by an item of another kind: move that away, then `svn revert hosts/web-3.nix`",
            "hosts/www: has svn:externals (^/hosts/zones more): files of another repository are not pushed; `svn propdel \
             svn:externals hosts/www`",
        ]
    );
}

#[test]
#[ignore = "needs git: cargo test --test staging -- --ignored"]
fn a_checkout_is_staged_with_its_changes_and_nothing_else() {
    let copy = Copy::git();
    assert!(!copy.stage().revision.in_words().contains("change"));

    copy.edit("hosts/px-nl.nix", "{", "{ # changed\n");
    copy.write("hosts/new host.nix", "{ }");
    copy.run("git", &["add", "hosts/new host.nix"]);
    copy.run("git", &["rm", "--quiet", "hosts/svn.nix"]);
    std::os::unix::fs::symlink("/nonexistent", copy.folder().join("result")).unwrap();

    let staged = copy.stage();
    assert!(staged.revision.in_words().ends_with(" with 3 local changes"), "{}", staged.revision.in_words());
    let files = below(&staged.folder());
    assert!(files.contains(&"hosts/new host.nix".to_owned()), "{files:?}");
    for absent in ["hosts/svn.nix", "result"] {
        assert!(!files.contains(&absent.to_owned()), "{absent} in {files:?}");
    }
    assert!(!files.iter().any(|file| file.starts_with(".git/")), "{files:?}");
    assert!(fs::read_to_string(staged.folder().join("hosts/px-nl.nix")).unwrap().contains("# changed"));
}

#[test]
#[ignore = "needs git: cargo test --test staging -- --ignored"]
fn a_folder_inside_a_checkout_is_staged_alone() {
    let copy = Copy::git();
    copy.write("elsewhere", "not of the fleet");
    let staged = stage(&copy.folder().join("hosts")).unwrap();
    assert!(below(&staged.folder()).contains(&"zones/example.net.zone".to_owned()));
    assert!(!staged.folder().join("flake.nix").exists());
}

#[test]
#[ignore = "needs git: cargo test --test staging -- --ignored"]
fn each_kind_of_unfit_file_of_a_checkout_gets_its_own_answer() {
    let copy = Copy::git();
    copy.run("git", &["checkout", "--quiet", "-b", "theirs"]);
    copy.edit("hosts/web-1.nix", "{", "{ # theirs\n");
    copy.git_commit();
    copy.run("git", &["checkout", "--quiet", "main"]);
    copy.edit("hosts/web-1.nix", "{", "{ # mine\n");
    copy.git_commit();
    let merged = Command::new("git").args(["merge", "--quiet", "theirs"]).current_dir(copy.folder()).output().unwrap();
    assert!(!merged.status.success(), "the merge was to end in a conflict");
    copy.write("hosts/new one.nix", "{ }");
    fs::remove_file(copy.folder().join("hosts/web-2.nix")).unwrap();
    copy.run("git", &["update-index", "--add", "--cacheinfo", "160000,1111111111111111111111111111111111111111,sub"]);
    fs::create_dir(copy.folder().join("sub")).unwrap();

    assert_eq!(
        copy.refused(),
        [
            "hosts/new one.nix: is not under version control: `git add 'hosts/new one.nix'`, or remove it, or ignore it",
            "hosts/web-1.nix: is in conflict: resolve it by hand, then `git add hosts/web-1.nix`",
            "hosts/web-2.nix: is missing: `git restore hosts/web-2.nix` restores it, `git rm hosts/web-2.nix` removes it",
            "sub: is a submodule: files of another repository are not pushed; make it a flake input",
        ]
    );
}

#[test]
#[ignore = "needs svn and git: cargo test --test staging -- --ignored"]
fn a_zone_that_changes_without_its_serial_is_found_and_polder_serial_mends_it() {
    for copy in [Copy::svn(), Copy::git()] {
        let (code, said) = copy.check(&[]);
        assert_eq!((code, said.contains("nothing is wrong")), (Some(0), true), "{said}");

        copy.edit(ZONE, "203.0.113.25", "203.0.113.26");
        let (code, said) = copy.check(&[]);
        let told = format!("wrong {ZONE}: the zone differs from the last revision, and its serial is 2026112301");
        assert_eq!((code, said.contains(&told)), (Some(1), true), "{said}");

        let polder = env!("CARGO_BIN_EXE_polder");
        copy.run(polder, &["serial", "example.net"]);
        let (code, said) = copy.check(&["--json"]);
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!((code, &said["findings"]), (Some(0), &serde_json::json!([])), "{said}");
        assert_eq!(said["local_changes"], serde_json::json!([ZONE]));

        copy.edit(ZONE, "; Machines.", "; Only a comment.");
        assert_eq!(copy.check(&[]).0, Some(0));
    }
}
