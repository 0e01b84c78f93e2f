//! Everything but the confirmation, which needs Nix: that is shown on machines (tests/nixos/push*.nix).

#![allow(clippy::unwrap_used)]

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::thread;

use tempfile::TempDir;

use super::*;
use crate::push::ledger::{Kind, Record};

/// A host: its systems switch by moving the link to what runs.
struct Host {
    dir: TempDir,
    paths: HostPaths,
}

impl Host {
    fn new() -> Host {
        let dir = tempfile::tempdir().unwrap();
        let paths = HostPaths::under(&dir.path().canonicalize().unwrap());
        for folder in [&paths.state, &paths.roots, &paths.store, paths.current.parent().unwrap()] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::create_dir_all(paths.profile.parent().unwrap()).unwrap();
        let host = Host { dir, paths };
        host.system("old", "exit 0");
        host.system("new", "exit 0");
        symlink(host.path("old"), &host.paths.current).unwrap();
        symlink(host.path("old"), &host.paths.profile).unwrap();
        host
    }

    fn path(&self, name: &str) -> PathBuf {
        self.paths.store.join(name)
    }

    fn system(&self, name: &str, ends: &str) {
        let bin = self.path(name).join("bin");
        fs::create_dir_all(&bin).unwrap();
        let script = format!(
            "#!/bin/sh\necho $1 {name} >> {0}/switches\n[ $1 = boot ] || ln -sfn {1} {2}\necho it says why\n{ends}\n",
            self.dir.path().display(),
            self.path(name).display(),
            self.paths.current.display()
        );
        let program = bin.join("switch-to-configuration");
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn begin(&self, confirm_within: u64) -> Activation {
        let activation = Activation {
            record: Record {
                push: "p1".to_owned(),
                kind: Kind::Push,
                who: "alice@admin-nl".to_owned(),
                revision: Some("r41".to_owned()),
                local_changes: Vec::new(),
                deferred: false,
                plan: "abc".to_owned(),
                skipped: Vec::new(),
            },
            from: "admin-nl".to_owned(),
            signed_by: None,
            before: self.path("old"),
            system: self.path("new"),
            boot: machine::boot_id(),
            confirm_within,
            reboot: false,
            why: String::new(),
            phase: Phase::Switching,
        };
        note(&self.paths, &activation).unwrap();
        activation
    }

    /// systemd, which notes that it was to restart the machine. From then on it is stopping.
    fn systemctl(&mut self) {
        let program = self.dir.path().join("systemctl");
        let restarts = self.dir.path().join("restarts");
        let script = format!(
            "#!/bin/sh\ncase $* in *reboot.target) echo restart >> {0};; *) test -s {0} && echo stopping;; esac\n",
            restarts.display()
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        self.paths.systemctl = program;
    }

    /// How often the machine was to restart.
    fn restarts(&self) -> usize {
        fs::read_to_string(self.dir.path().join("restarts")).unwrap_or_default().lines().count()
    }

    /// The machine has booted into a system, which its profile is: the record is of another boot.
    fn boots_into(&self, name: &str) {
        for link in [&self.paths.current, &self.paths.profile] {
            fs::remove_file(link).unwrap();
            symlink(self.path(name), link).unwrap();
        }
        let _ = fs::remove_file(self.dir.path().join("restarts"));
        let mut activation = under_way(&self.paths).unwrap().unwrap();
        activation.boot = "the boot before".to_owned();
        note(&self.paths, &activation).unwrap();
    }

    fn runs(&self) -> PathBuf {
        machine::current(&self.paths).unwrap()
    }

    fn switches(&self) -> Vec<String> {
        let said = fs::read_to_string(self.dir.path().join("switches")).unwrap_or_default();
        said.lines().map(str::to_owned).collect()
    }

    /// How the last activation ended, by the ledger, and why.
    fn last(&self) -> (Outcome, String) {
        match Ledger::new(self.paths.ledger()).entries().unwrap().pop().unwrap().event {
            Event::Activation { outcome, words, .. } => (outcome, words),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_system_that_nobody_confirms_in_time_goes_and_the_ledger_says_why() {
    let host = Host::new();
    host.begin(0);
    assert_eq!(supervise(&host.paths), Ok(Some(Outcome::Reverted)));
    assert_eq!(host.runs(), host.path("old"));
    assert_eq!(host.switches(), ["test new", "test old"]);
    assert_eq!(host.last(), (Outcome::Reverted, "no confirmation came within 0 s".to_owned()));
    assert_eq!(under_way(&host.paths), Ok(None));
}

#[test]
fn a_switch_that_fails_is_taken_back_at_once_with_its_last_words() {
    let host = Host::new();
    host.system("new", "exit 2");
    host.begin(600);
    assert_eq!(supervise(&host.paths), Ok(Some(Outcome::Reverted)));
    assert_eq!(host.runs(), host.path("old"));
    let (_, words) = host.last();
    assert!(words.contains("exit code 2") && words.contains("it says why"), "{words}");
}

#[test]
fn the_pusher_can_send_it_back_and_learns_when_it_is_back() {
    let host = Host::new();
    host.begin(600);
    thread::scope(|scope| {
        let supervisor = scope.spawn(|| supervise(&host.paths));
        assert_eq!(said(&host, &Command::Wait), "trial");
        assert_eq!(host.runs(), host.path("new"));
        assert_eq!(said(&host, &Command::Revert("p0".to_owned(), "no".to_owned())), "another push is on trial");
        assert_eq!(said(&host, &Command::Revert("p1".to_owned(), "www is gone".to_owned())), "reverted");
        assert_eq!(supervisor.join().unwrap(), Ok(Some(Outcome::Reverted)));
    });
    assert_eq!((host.runs(), host.last().1), (host.path("old"), "www is gone".to_owned()));
    assert_eq!(tell(&host.paths, &Command::Wait), None);
}

/// The supervisor's answer, once it listens.
fn said(host: &Host, word: &Command) -> String {
    let end = Instant::now() + Duration::from_secs(60);
    while Instant::now() < end {
        if let Some(said) = tell(&host.paths, word) {
            return said;
        }
        thread::yield_now();
    }
    panic!("the supervisor did not answer {word:?} within 60 s");
}

#[test]
fn whoever_finds_it_unsupervised_goes_back() {
    let host = Host::new();
    let mut activation = host.begin(600);
    assert_eq!(machine::switch(&activation.system, Action::Test), SwitchResult::Succeeded);
    activation.phase = Phase::Trial;
    note(&host.paths, &activation).unwrap();
    assert_eq!(settle(&host.paths), Ok(Some(Outcome::Reverted)));
    assert_eq!((host.runs(), host.last().1), (host.path("old"), "its supervisor was killed".to_owned()));
    assert_eq!(settle(&host.paths), Ok(None));
}

#[test]
fn a_machine_that_restarted_on_trial_has_gone_back_by_itself() {
    let host = Host::new();
    let mut activation = host.begin(600);
    activation.phase = Phase::Trial;
    activation.boot = "another boot".to_owned();
    note(&host.paths, &activation).unwrap();
    assert_eq!(settle(&host.paths), Ok(Some(Outcome::Reverted)));
    assert_eq!(host.switches(), [""; 0], "nothing is switched: the boot did that");
    assert_eq!(host.last().1, "the machine restarted before the confirmation");
}

#[test]
fn a_restart_in_the_middle_of_a_confirmation_that_was_as_good_as_done_counts_as_confirmed() {
    let host = Host::new();
    let mut activation = host.begin(600);
    for link in [&host.paths.current, &host.paths.profile] {
        fs::remove_file(link).unwrap();
        symlink(host.path("new"), link).unwrap();
    }
    activation.phase = Phase::Confirming;
    activation.boot = "another boot".to_owned();
    note(&host.paths, &activation).unwrap();
    assert_eq!(settle(&host.paths), Ok(Some(Outcome::Confirmed)));
}

#[test]
fn a_record_that_cannot_be_read_is_laid_aside_and_what_was_confirmed_last_runs_again() {
    let host = Host::new();
    let activation = host.begin(600);
    assert_eq!(machine::switch(&activation.system, Action::Test), SwitchResult::Succeeded);
    let record = host.paths.state.join("activation.json");
    fs::write(&record, "of another release").unwrap();
    assert!(under_way(&host.paths).is_err());
    assert_eq!(settle(&host.paths), Ok(Some(Outcome::Reverted)));
    assert_eq!((host.runs(), under_way(&host.paths)), (host.path("old"), Ok(None)));
    assert_eq!(fs::read_to_string(record.with_extension("unreadable")).unwrap(), "of another release");
    assert!(host.last().1.contains("activation.unreadable"), "{}", host.last().1);

    // Where the profile's system runs, nothing is switched.
    let before = host.switches();
    fs::write(&record, "again").unwrap();
    assert_eq!(settle(&host.paths), Ok(Some(Outcome::Reverted)));
    assert_eq!(host.switches(), before);
}

#[test]
fn a_way_back_that_does_not_arrive_is_told_as_stuck() {
    let host = Host::new();
    fs::remove_file(host.path("old").join("bin/switch-to-configuration")).unwrap();
    host.begin(0);
    assert_eq!(supervise(&host.paths), Ok(Some(Outcome::Stuck)));
    let (_, words) = host.last();
    assert!(words.contains("did not start"), "{words}");
}

/// A host on which an activation by restart is in the given phase.
fn restarting(phase: Phase) -> Host {
    let mut host = Host::new();
    host.systemctl();
    let mut activation = host.begin(0);
    (activation.reboot, activation.phase) = (true, phase);
    note(&host.paths, &activation).unwrap();
    host
}

#[test]
fn a_machine_that_was_to_restart_is_on_trial_when_it_is_up_again_and_goes_back_by_a_restart() {
    let host = restarting(Phase::Rebooting);
    // Until it goes down nothing is settled; one that does not go down has not restarted.
    machine::reboot(&host.paths).unwrap();
    assert_eq!(settle(&host.paths), Ok(None));
    host.boots_into("new");
    assert!(is_up_again(&host.paths, &under_way(&host.paths).unwrap().unwrap()));

    // Nobody confirms. It cannot go back without nix-env here: the profile is set back as a link, as nix-env does it.
    fs::remove_file(&host.paths.profile).unwrap();
    symlink(host.path("old"), &host.paths.profile).unwrap();
    assert_eq!(supervise(&host.paths), Ok(None));
    assert_eq!(
        (host.restarts(), host.switches()),
        (1, vec!["boot old".to_owned()]),
        "it is not switched while it runs"
    );
    assert_eq!(settle(&host.paths), Ok(None), "while it goes down");
    host.boots_into("old");
    assert_eq!(settle(&host.paths), Ok(Some(Outcome::Reverted)));
    assert_eq!(host.last(), (Outcome::Reverted, "no confirmation came within 0 s".to_owned()));
}

#[test]
fn a_machine_that_restarts_into_its_old_system_again_has_gone_back_by_itself() {
    let host = restarting(Phase::Rebooting);
    host.boots_into("old");
    assert!(!is_up_again(&host.paths, &under_way(&host.paths).unwrap().unwrap()));
    assert_eq!(settle(&host.paths), Ok(Some(Outcome::Reverted)));
    assert_eq!(host.restarts(), 0);
}

#[test]
fn a_machine_that_does_not_go_down_runs_its_old_system_as_before() {
    let host = restarting(Phase::Rebooting);
    assert_eq!(settle(&host.paths), Ok(Some(Outcome::Reverted)));
    assert_eq!((host.runs(), host.restarts()), (host.path("old"), 0));
}

#[test]
fn a_machine_whose_boot_default_cannot_be_set_back_is_not_restarted_into_the_new_system_again() {
    let host = restarting(Phase::Rebooting);
    host.boots_into("new");
    host.system("old", "exit 1");
    assert_eq!(supervise(&host.paths), Ok(Some(Outcome::Stuck)));
    assert_eq!(host.restarts(), 0);
}
