//! A table of the mistakes that operators make: what is typed, the exit code, and that what is said has where, what, and what to do.
//!
//! The rows are in `mistakes/*.txt`, each a command line as a shell takes it and four lines of what its answer must have. One proxy
//! (www with web1; shop with shop1 and shop2) and one nameserver (`ns-1`, the pool `http0.l.polder.test`) answer; the folder in which
//! the command runs has the files that are made here.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use polder::verbs;
use serde_json::json;

use crate::site::{Daemon, Site};

const FILES: [&str; 9] = [
    include_str!("mistakes/verbs_and_options.txt"),
    include_str!("mistakes/values.txt"),
    include_str!("mistakes/names.txt"),
    include_str!("mistakes/places.txt"),
    include_str!("mistakes/deploying.txt"),
    include_str!("mistakes/daemons.txt"),
    include_str!("mistakes/agreement.txt"),
    include_str!("mistakes/zones.txt"),
    include_str!("mistakes/dnssec.txt"),
];

/// A mistake, and what is said of it.
#[derive(Debug, Default, Clone)]
struct Row<'t> {
    command: &'t str,
    exit: i32,
    /// The argument, file or host that is meant.
    place: &'t str,
    /// What is wrong with it, or what was expected.
    problem: &'t str,
    /// What to do.
    remedy: &'t str,
}

fn rows() -> Vec<Row<'static>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for line in FILES.iter().flat_map(|file| file.lines()).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(command) = line.strip_prefix("$ ") {
            rows.push(Row { command, exit: -1, ..Row::default() });
            continue;
        }
        let (key, value) = line.split_once(' ').unwrap_or_else(|| panic!("{line:?}"));
        let row = rows.last_mut().unwrap();
        match key {
            "exit" => row.exit = value.trim().parse().unwrap(),
            "where" => row.place = value.trim(),
            "what" => row.problem = value.trim(),
            "do" => row.remedy = value.trim(),
            _ => panic!("{line:?} under {:?}", row.command),
        }
    }
    rows
}

/// The files that rows name.
fn make_files(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| {
        let file = folder.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    };
    for folder_of in ["folder.json", "nothing_here", "state", "flake"] {
        std::fs::create_dir_all(folder.join(folder_of)).unwrap();
    }
    write("empty", b"");
    write("words", b"ok\n");
    write("binary", &[0, 159, 146, 150, 0, 1, 2]);
    write("cut.json", b"{ \"version\": 1,\n  \"hosts\": {");
    write("list.json", b"[]\n");
    write("later.json", b"{ \"version\": 2 }\n");
    write("bare.json", b"{ \"version\": 1 }\n");
    write("haproxy.cfg", b"defaults\n  mode http\nfrontend x\n  bind 127.0.0.1:80\n  default_backend y\nbackend y\n  server a 127.0.0.1:81\n");
    write("tcp.cfg", b"frontend x\n  bind :25\n");
    write("open.caddy", b"example.net {\n");
    let zone =
        |last: &str| format!("$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n{last}\n");
    write("zones/example.net.zone", zone("").as_bytes());
    write("zones/typo.net.zone", zone("www AA 192.0.2.2").as_bytes());
    write("zones/quoted.net.zone", zone("www \"A\" 192.0.2.2").as_bytes());
    write("zones/nons.net.zone", b"@ 300 SOA ns hostmaster 1 3600 600 86400 300\n");
    write("zones/words.net.zone", b"nonsense");
    write("twice/a/example.net.zone", zone("").as_bytes());
    write("twice/b/example.net.zone", zone("").as_bytes());
    write("keys/Kexample.net.+015+61202.key", include_bytes!("../data/dnssec/Kexample.net.+015+61202.key"));
    write("keys/Kexample.net.+015+61202.private", include_bytes!("../data/dnssec/Kexample.net.+015+61202.private"));
    write("keys/Khalf.example.+013+12345.key", b"half.example. IN DNSKEY 257 3 13 AAAA\n");
    write("keys/Kdamaged.example.+013+12345.key", b"; damaged\ndamaged.example. IN DNSKEY 0 3 13 AAAA\n");
    let etcd = json!({ "etcd-1": { "client": "http://127.0.0.1:1", "peer": "http://127.0.0.1:2" } });
    let mut agreement = json!({ "version": 1, "members": etcd });
    write("agreement.json", agreement.to_string().as_bytes());
    agreement["name"] = json!("etcd-7");
    agreement["data_dir"] = json!("/nowhere");
    write("agreement-7.json", agreement.to_string().as_bytes());
    write("fleet.json", include_bytes!("../data/fleet/example.json"));
    write("demo/polder/demo.json", b"{}");
    let path = |name: &str| folder.join(name).display().to_string();
    write("deploy.key", b"");
    write("signing.key", b"");
    let mut admin = json!({
        "version": 1, "name": "admin-nl", "location": "nl", "deploy_user": "polder-deploy", "deploy_key": path("deploy.key"),
        "signing_key": path("signing.key"), "working_copy": path("flake"), "state_dir": path("state"),
    });
    write("admin.json", admin.to_string().as_bytes());
    admin["deploy_key"] = json!(path("missing.key"));
    write("keyless.json", admin.to_string().as_bytes());
    write("state/fleet.json", include_bytes!("../data/fleet/example.json"));
    std::os::unix::fs::symlink("loop", folder.join("loop")).unwrap();
}

fn said(row: &Row<'_>, folder: &Path, daemons: &[&Daemon<'_>]) -> (Option<i32>, String) {
    let programs = Path::new(env!("CARGO_BIN_EXE_polder")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let sockets: Vec<String> = daemons.iter().map(|daemon| daemon.admin_socket().display().to_string()).collect();
    let output = Command::new("sh")
        .args(["-c", row.command])
        .current_dir(folder)
        .env("PATH", path)
        .env("POLDER_SOCKETS", sockets.join(":"))
        .env("POLDER_TIMEOUT", "60s")
        .env("XDG_RUNTIME_DIR", folder.join("nothing_here"))
        .env("COLUMNS", "2000")
        .env_remove("POLDER_ADMIN")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// What the answer lacks.
fn lacks(row: &Row<'_>, code: Option<i32>, said: &str) -> Vec<String> {
    let mut lacks = Vec::new();
    if code != Some(row.exit) {
        lacks.push(format!("exit {} and not {code:?}", row.exit));
    }
    for (kind, words) in [("where", row.place), ("what", row.problem), ("do", row.remedy)] {
        if words.is_empty() || !said.contains(words) {
            lacks.push(format!("{kind}: {words:?}"));
        }
    }
    for never in ["panicked", "\u{1b}[", "RUST_BACKTRACE"] {
        if said.contains(never) {
            lacks.push(format!("an answer without {never:?}"));
        }
    }
    lacks
}

#[test]
fn every_mistake_is_told_with_where_it_is_what_is_wrong_and_what_to_do() {
    let site = Site::new();
    let (mut proxy, mut nameserver) = (site.proxy(0, &[]), site.nameserver());
    crate::site::run_together(&mut [&mut proxy, &mut nameserver]);
    let folder = tempfile::tempdir().unwrap();
    make_files(folder.path());
    let (rows, next, failures) = (rows(), AtomicUsize::new(0), Mutex::new(Vec::new()));
    let try_rows = || {
        while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (code, said) = said(row, folder.path(), &[&proxy, &nameserver]);
            let lacks = lacks(row, code, &said);
            if !lacks.is_empty() {
                failures.lock().unwrap().push(format!("$ {}\n{said}LACKS {}\n", row.command, lacks.join("\nLACKS ")));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(try_rows);
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {} rows:\n{}", failures.len(), rows.len(), failures.join("\n"));
}

#[test]
fn the_table_has_150_mistakes_of_which_no_two_are_the_same() {
    let rows = rows();
    let commands: BTreeSet<&str> = rows.iter().map(|row| row.command).collect();
    assert_eq!(commands.len(), rows.len());
    assert!(rows.len() >= 150, "{}", rows.len());
}

#[test]
fn the_table_has_a_mistake_with_every_verb_and_with_every_option() {
    let commands = rows().iter().map(|row| format!(" {} ", row.command)).collect::<Vec<_>>().join("\n");
    let mut missing = Vec::new();
    let mut seek = |verb: &clap::Command, words: &str| {
        if !commands.contains(&format!("polder {words} ")) {
            missing.push(words.to_owned());
        }
        for option in verb.get_arguments().filter(|one| !one.is_hide_set()).filter_map(clap::Arg::get_long) {
            if !commands.contains(&format!("--{option}")) && option != "help" && option != "version" {
                missing.push(format!("{words} --{option}"));
            }
        }
    };
    for verb in verbs::command().get_subcommands().filter(|verb| !verb.is_hide_set()) {
        seek(verb, verb.get_name());
        verb.get_subcommands().for_each(|inner| seek(inner, &format!("{} {}", verb.get_name(), inner.get_name())));
    }
    assert!(missing.is_empty(), "{missing:?}");
}
