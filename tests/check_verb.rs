//! `polder check` and `polder serial` as processes: exit codes, what they print, how Nix is run.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/ports.rs"]
mod ports;

use ports::free_address;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with the example fleet, of no repository, and a folder with what stands in for `nix`.
struct Site {
    kept: tempfile::TempDir,
}

impl Site {
    fn new() -> Site {
        let kept = tempfile::tempdir().unwrap();
        let site = Site { kept };
        fs::create_dir_all(site.path("fleet/hosts/zones")).unwrap();
        fs::create_dir(site.path("bin")).unwrap();
        fs::write(site.path("fleet/flake.nix"), "{ }").unwrap();
        fs::copy(source("hosts/zones/example.net.zone"), site.path("fleet/hosts/zones/example.net.zone")).unwrap();
        site
    }

    /// A `nix` that keeps its arguments and does what the shell is told.
    fn nix(&self, script: &str) {
        let nix = self.path("bin/nix");
        let arguments = self.path("arguments");
        fs::write(&nix, format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > '{}'\n{script}\n", arguments.display())).unwrap();
        fs::set_permissions(&nix, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn path(&self, file: &str) -> PathBuf {
        self.kept.path().join(file)
    }

    /// In the folder above the fleet's.
    fn polder(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
        command.args(arguments).current_dir(self.kept.path()).env("PATH", self.path("bin"));
        command.env_remove("POLDER_TRUSTED_FOLDERS");
        command
    }
}

fn source(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn example() -> String {
    source("tests/data/fleet/example.json").display().to_string()
}

fn told(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn the_copy_is_evaluated_and_further_arguments_go_to_nix() {
    let site = Site::new();
    site.nix(&format!("exec /bin/cat '{}'", example()));
    let (code, text) =
        told(&site.polder(&["check", "--offline", "fleet", "--", "--override-input", "nixpkgs", "path:/x"]));
    assert_eq!((code, text.lines().next()), (Some(0), Some("staged no revision: 10 hosts, 1 zone, 1 pool")), "{text}");
    assert!(text.ends_with("nothing is wrong\n"), "{text}");

    let arguments = fs::read_to_string(site.path("arguments")).unwrap();
    let flake = arguments.lines().find(|line| line.starts_with("path:")).unwrap();
    assert!(flake.ends_with("/fleet#nixosConfigurations"), "{arguments}");
    assert!(!flake.contains(&*site.kept.path().to_string_lossy()), "a copy is evaluated, not the folder: {flake}");
    assert!(arguments.ends_with("--override-input\nnixpkgs\npath:/x\n"), "{arguments}");
}

#[test]
fn an_error_of_nix_is_a_finding() {
    let site = Site::new();
    site.nix("echo \"error: attribute 'x' missing\" >&2; exit 1");
    let (code, text) = told(&site.polder(&["check", "--offline", "fleet"]));
    assert_eq!((code, &*text), (Some(1), "staged no revision\nwrong evaluation: attribute 'x' missing\n1 finding\n"));
}

#[test]
fn findings_are_printed_for_programs_too() {
    let site = Site::new();
    let served = "example.net=2026112302";
    let said = site.polder(&["check", "fleet", "--fleet", &example(), "--served", served, "--json"]);
    assert_eq!(said.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(json["findings"][0]["place"], "fleet/hosts/zones/example.net.zone");
    assert_eq!((&json["hosts"], &json["revision"]), (&10.into(), &serde_json::Value::Null));
}

#[test]
fn what_cannot_run_says_what_is_missing_and_exits_3() {
    let site = Site::new();
    for (arguments, expected) in [
        (&["check", "fleet"][..], "there is no `nix` on this machine: evaluate the fleet where there is one"),
        (&["check", "bin"][..], "there is no flake.nix in bin"),
        (&["check", "elsewhere"][..], "elsewhere: No such file"),
        (
            &["serial", "example.org"][..],
            "no file below . is named example.org.zone or example.org: name it with --file",
        ),
    ] {
        let (code, text) = told(&site.polder(arguments));
        assert_eq!((code, text.contains(expected)), (Some(3), true), "{arguments:?}: {text}");
    }
    for arguments in [
        &["check", "--served", "example.net"][..],
        &["check", "--served", "example.net=many"][..],
        &["check", "--fleet", "x", "--", "y"][..],
        &["serial", "example..net"][..],
    ] {
        assert_eq!(told(&site.polder(arguments)).0, Some(2), "{arguments:?}");
    }
}

/// Gives it to somebody else; where the test may not do that, lets everybody write there.
fn give_away(path: &Path) {
    if std::os::unix::fs::chown(path, Some(4321), Some(4321)).is_err() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
}

#[test]
fn a_folder_in_which_somebody_else_could_write_is_refused_before_anything_of_it_is_read() {
    for part in ["fleet/flake.nix", "fleet", "fleet/hosts/zones", "above"] {
        let site = Site::new();
        // What `nix` would be asked for shows that it was asked.
        site.nix(&format!("exec /bin/cat '{}'", example()));
        fs::create_dir(site.path("above")).unwrap();
        fs::rename(site.path("fleet"), site.path("above/fleet")).unwrap();
        let fleet = site.path("above/fleet");
        assert_eq!(told(&site.polder(&["check", "--offline", "above/fleet"])).0, Some(0));
        fs::remove_file(site.path("arguments")).unwrap();

        let part = if part == "above" { site.path("above") } else { site.path("above").join(part) };
        give_away(&part);
        let (code, text) = told(&site.polder(&["check", "--offline", "above/fleet"]));
        assert_eq!(code, Some(3), "{text}");
        let whose = format!("{} belongs to user", part.canonicalize().unwrap().display());
        for words in [&*whose, "not evaluated or pushed with your keys", "chown -R"] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!site.path("arguments").exists(), "nix was run");

        // As the message says.
        let named = text.split_once("POLDER_TRUSTED_FOLDERS=").unwrap().1.trim().to_owned();
        assert_eq!(Path::new(&named), fleet.canonicalize().unwrap());
        let mut command = site.command(&["check", "--offline", "above/fleet"]);
        let (code, text) = told(&command.env("POLDER_TRUSTED_FOLDERS", named).output().unwrap());
        assert_eq!(code, Some(0), "{text}");
    }
}

#[test]
fn a_flake_in_the_folder_one_stands_in_counts_only_if_nobody_else_could_have_put_it_there() {
    let site = Site::new();
    site.nix(&format!("exec /bin/cat '{}'", example()));
    fs::set_permissions(site.path("fleet"), fs::Permissions::from_mode(0o1777)).unwrap();
    let mut command = site.command(&["check", "--offline"]);
    let (code, text) = told(&command.current_dir(site.path("fleet")).output().unwrap());
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("(mode 1777): everybody may write there"), "{text}");
}

#[test]
fn the_serial_of_somebody_elses_file_is_not_raised() {
    let site = Site::new();
    let file = site.path("fleet/hosts/zones/example.net.zone");
    give_away(&file);
    let before = fs::read_to_string(&file).unwrap();
    let (code, text) = told(&site.polder(&["serial", "example.net"]));
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("example.net.zone belongs to user"), "{text}");
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
}

#[test]
fn a_serial_is_raised_and_the_file_and_line_are_told() {
    let site = Site::new();
    let file = "fleet/hosts/zones/example.net.zone";
    let (code, text) = told(&site.polder(&["serial", "Example.net.", "--above", "4000000000"]));
    assert_eq!((code, &*text), (Some(0), &*format!("{file}:5: serial 2026112301 -> 4000000001\n")));
    let before = fs::read_to_string(source("hosts/zones/example.net.zone")).unwrap();
    assert_eq!(fs::read_to_string(site.path(file)).unwrap(), before.replace("2026112301", "4000000001"));
}

#[test]
fn a_zone_that_comes_signed_is_verified_and_keeps_its_serial() {
    let site = Site::new();
    let file = "fleet/hosts/zones/example.net.zone";
    let signed = format!("{}\nexample.net. 300 IN NSEC www A\n", fs::read_to_string(site.path(file)).unwrap());
    fs::write(site.path(file), &signed).unwrap();
    let (code, text) = told(&site.polder(&["zone", "check", "example.net", file]));
    assert_eq!((code, text.contains("example.net. DNSKEY: is missing")), (Some(1), true), "{text}");
    assert!(text.contains("example.net. NSEC: says that the name has A, and not that it has NS, SOA"), "{text}");
    let (code, text) = told(&site.polder(&["serial", "example.net"]));
    assert_eq!((code, text.contains("raise it where the zone is signed")), (Some(1), true), "{text}");
    assert_eq!(fs::read_to_string(site.path(file)).unwrap(), signed);
}

#[test]
fn a_zone_with_an_error_in_it_and_one_of_two_files_keep_their_serials() {
    let site = Site::new();
    let file = "fleet/hosts/zones/example.net.zone";
    let broken = format!("{}\nx IN A 192.0.2.300\n", fs::read_to_string(site.path(file)).unwrap());
    fs::write(site.path(file), &broken).unwrap();
    let (code, text) = told(&site.polder(&["serial", "example.net"]));
    assert_eq!((code, text.contains("\"192.0.2.300\" is not an IPv4 address")), (Some(1), true), "{text}");
    assert_eq!(fs::read_to_string(site.path(file)).unwrap(), broken);

    fs::copy(site.path(file), site.path("example.net")).unwrap();
    let (code, text) = told(&site.polder(&["serial", "example.net"]));
    assert_eq!(
        (code, text.contains("several files are named after example.net: example.net, fleet/")),
        (Some(3), true),
        "{text}"
    );
}

const ZONE: &str = "fleet/hosts/zones/example.net.zone";

#[test]
fn a_zone_is_checked_as_a_nameserver_reads_it() {
    let site = Site::new();
    let (code, text) = told(&site.polder(&["zone", "check", "example.net"]));
    assert_eq!((code, &*text), (Some(0), "zone example.net: serial 2026112301, 19 records: can be served\n"));

    let text = fs::read_to_string(site.path(ZONE)).unwrap();
    fs::write(site.path("new.zone"), format!("{text}\nx IN A 192.0.2.300\ny IN CNAME x.example.net\n")).unwrap();
    let (code, text) = told(&site.polder(&["zone", "check", "example.net", "new.zone"]));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("error   new.zone:"), "{text}");
    assert!(text.contains("\"192.0.2.300\" is not an IPv4 address"), "{text}");
    assert!(text.ends_with("zone example.net: 1 error\n"), "{text}");
}

#[test]
fn a_warning_is_an_error_where_checks_are_strict() {
    let site = Site::new();
    let text = fs::read_to_string(site.path(ZONE)).unwrap();
    fs::write(site.path("new.zone"), format!("{text}\ny IN CNAME x.example.net\n")).unwrap();
    let said = site.polder(&["zone", "check", "example.net", "new.zone", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!((said.status.code(), json["warnings"].as_array().unwrap().len()), (Some(0), 1), "{json}");
    let (code, text) = told(&site.polder(&["zone", "check", "example.net", "new.zone", "--strict"]));
    assert_eq!((code, text.contains("error   new.zone:")), (Some(1), true), "{text}");
}

#[test]
fn what_is_dumped_is_the_same_zone() {
    let site = Site::new();
    let dumped = site.polder(&["zone", "dump", "example.net"]);
    let text = String::from_utf8(dumped.stdout).unwrap();
    let first = "example.net. 3600 IN SOA ns-nl.example.net. hostmaster.example.net. 2026112301 7200 1800 1209600 300";
    assert_eq!((dumped.status.code(), text.lines().next()), (Some(0), Some(first)));
    assert!(text.contains("\nwww.example.net. 300 IN CNAME http0.l.example.net.\n"), "{text}");
    fs::write(site.path("dumped.zone"), text).unwrap();
    let (code, text) = told(&site.polder(&["zone", "diff", "example.net", ZONE, "dumped.zone"]));
    assert_eq!((code, &*text), (Some(0), "zone example.net: no difference\n"));
}

#[test]
fn two_versions_of_a_zone_are_compared_by_their_records() {
    let site = Site::new();
    let text = fs::read_to_string(site.path(ZONE)).unwrap();
    let changed = text.replace("2026112301", "2026112302").replace("203.0.113.25", "203.0.113.26");
    let mut command = site.command(&["zone", "diff", "example.net", ZONE, "-", "--ignore-serial"]);
    fs::write(site.path("new.zone"), &changed).unwrap();
    let (code, text) = told(&command.stdin(fs::File::open(site.path("new.zone")).unwrap()).output().unwrap());
    let expected = "- mail.example.net. 3600 IN A 203.0.113.25\n\
                    + mail.example.net. 3600 IN A 203.0.113.26\n\
                    zone example.net: 1 record removed, 1 added\n";
    assert_eq!((code, &*text), (Some(1), expected));

    let said = site.polder(&["zone", "diff", "example.net", ZONE, "new.zone", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!((&json["serials"][0], &json["serials"][1]), (&2_026_112_301u32.into(), &2_026_112_302u32.into()));
    assert_eq!((json["removed"].as_array().unwrap().len(), json["added"].as_array().unwrap().len()), (2, 2), "{json}");
    let (code, text) = told(&site.polder(&["zone", "diff", "example.net", ZONE, "missing.zone"]));
    assert_eq!((code, text.contains("missing.zone")), (Some(3), true), "{text}");
}

#[test]
fn a_serial_is_shown_beside_what_a_nameserver_says() {
    let site = Site::new();
    let (code, text) = told(&site.polder(&["zone", "serial", "example.net", ZONE]));
    assert_eq!((code, text.contains(&format!("{ZONE}  2026112301"))), (Some(0), true), "{text}");
    // Nobody listens there.
    let silent = free_address().to_string();
    let said = site.polder(&["zone", "serial", "example.net", ZONE, "--at", &silent, "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!((said.status.code(), &json["places"][1]["serial"]), (Some(1), &serde_json::Value::Null), "{json}");
    assert!(json["places"][1]["error"].as_str().is_some_and(|error| error.contains("refused")), "{json}");
}
