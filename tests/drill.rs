//! `polder drill` and `polder demo` as processes: verdicts and exit codes, what is left behind, who dies with whom.
//!
//! The daemons are the debug build's, the load is small, and the drills are untimed: how long anything took is judged by
//! `polder drill` on a release build and a quiet machine; here, whether it happened, and what visitors saw of it.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "blocking clients poll with a limit and share what they saw"
)]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// For anything that must happen.
const LIMIT: Duration = Duration::from_secs(60);

fn polder(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command.env("XDG_RUNTIME_DIR", folder).env("TMPDIR", folder).stdin(Stdio::null());
    // However busy the machine is.
    command.env("POLDER_TIMEOUT", "60s");
    command
}

/// A folder of this test's own, with a short path: admin sockets are in it.
fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("pd").tempdir_in("/tmp").unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn eventually(what: &str, so: impl Fn() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_short_untimed_drill_keeps_its_promises_and_leaves_nothing_behind() {
    let folder = folder();
    let rows = ["stateless-killed", "nameserver-killed", "bad-document"];
    let args = ["--json", "drill", "--untimed", "--only", &rows.join(",")];
    let output = polder(folder.path()).args(args).output().unwrap();
    let report = json(&output);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert_eq!((&report["kept"], &report["timed"]), (&json!(true), &json!(false)));
    let named: Vec<&str> = report["rows"].as_array().unwrap().iter().map(|row| row["row"].as_str().unwrap()).collect();
    assert_eq!(named, rows);
    for row in report["rows"].as_array().unwrap() {
        assert_eq!(row["figures"]["failed_safe"], 0, "{row:#}");
        assert!(row["figures"]["requests"].as_u64().unwrap() > 10, "{row:#}");
    }
    assert_eq!(entries(folder.path()), [] as [PathBuf; 0]);
}

#[test]
fn a_drill_whose_promise_is_broken_on_purpose_says_so_and_exits_1() {
    let folder = folder();
    let only = "nameserver-killed,stateless-killed";
    let args = ["drill", "--untimed", "--only", only, "--sabotage", "stateless-killed"];
    let output = polder(folder.path()).args(args).output().unwrap();
    let table = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{table}");
    let verdict = |words: &str| table.lines().find(|line| line.starts_with(words)).unwrap_or_default();
    assert!(verdict("a nameserver is killed").ends_with("kept"), "{table}");
    assert!(verdict("a backend of the stateless service is killed").ends_with("BROKEN"), "{table}");
    assert!(table.contains("1 of 2 promises were broken"), "{table}");
    assert!(table.contains("status 503"), "{table}");
}

#[test]
fn a_row_for_which_a_program_is_missing_is_left_out_and_that_is_said() {
    let (folder, nothing) = (folder(), folder());
    let drill = |args: &[&str], only: &str| {
        let args = [args, &["drill", "--untimed", "--only", only]].concat();
        polder(folder.path()).env("PATH", nothing.path()).args(args).output().unwrap()
    };
    let output = drill(&["--json"], "nameserver-killed,link-cut");
    let report = json(&output);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert_eq!(report["rows"].as_array().unwrap().len(), 1, "{report:#}");
    let left_out = &report["left_out"];
    assert_eq!((left_out[0]["row"].as_str(), left_out[0]["needs"].as_str()), (Some("link-cut"), Some("etcd")));
    let output = drill(&[], "nameserver-killed,link-cut");
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.contains("Left out: link-cut (the link between two sites is cut"), "{table}");
    let output = drill(&[], "link-cut");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("`etcd`: there is none in PATH"), "{output:?}");
}

#[test]
#[ignore = "needs etcd: see CONTRIBUTING.md"]
fn nobody_moves_where_the_link_between_two_sites_is_cut_and_the_proxies_agree_by_etcd() {
    let folder = folder();
    let args = ["--json", "drill", "--untimed", "--only", "link-cut,primary-killed"];
    let output = polder(folder.path()).args(args).output().unwrap();
    let report = json(&output);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert!(report["rows"][0]["figures"]["apart"].as_u64().unwrap() > 0, "the far proxy never stopped: {report:#}");
    assert_eq!(entries(folder.path()), [] as [PathBuf; 0]);
}

#[test]
fn a_row_nobody_knows_is_a_matter_of_usage() {
    let output = polder(Path::new("/tmp")).args(["drill", "--only", "nonsense"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nonsense"), "{output:?}");
}

#[test]
fn the_list_names_every_row_with_its_bounds() {
    let output = polder(Path::new("/tmp")).args(["--json", "drill", "--list"]).output().unwrap();
    let rows = json(&output);
    let killed = rows.as_array().unwrap().iter().find(|row| row["row"] == "stateless-killed").unwrap();
    assert_eq!((killed["bound_ms"].as_u64(), killed["bound_at_defaults_ms"].as_u64()), (Some(650), Some(5000)));
}

/// A running demo; killed when dropped.
struct Demo {
    process: Child,
    folder: tempfile::TempDir,
}

impl Demo {
    fn start() -> Demo {
        let folder = folder();
        let mut process = polder(folder.path()).args(["--json", "demo"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let event: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(event["event"], "started");
        Demo { process, folder }
    }

    fn polder(&self, args: &[&str]) -> Output {
        polder(self.folder.path()).args(args).output().unwrap()
    }

    /// The process of every daemon.
    fn daemons(&self) -> Vec<i32> {
        let demo: Value =
            serde_json::from_str(&std::fs::read_to_string(self.folder.path().join("polder/demo.json")).unwrap())
                .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let pid = |daemon: &Value| {
            let client = polder::api::client::Client::new(Path::new(daemon["socket"].as_str().unwrap()));
            let status = runtime.block_on(client.get("/status")).unwrap_or_else(|error| panic!("{error:?}"));
            status["pid"].as_i64().unwrap() as i32
        };
        demo["daemons"].as_array().unwrap().iter().map(pid).collect()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn runs(pid: i32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn the_demo_is_found_obeys_another_terminal_and_cleans_up_when_it_is_told_to_end() {
    let mut demo = Demo::start();
    let output = demo.polder(&["demo", "kill", "web1"]);
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), &b"web1 is killed\n"[..]), "{output:?}");
    eventually("polder status shows the dead backend and exits 1", || {
        let output = demo.polder(&["status"]);
        output.status.code() == Some(1) && String::from_utf8_lossy(&output.stdout).contains("web1")
    });
    let output = demo.polder(&["demo", "500", "px-1"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(demo.polder(&["demo", "mend", "web1"]).status.code(), Some(0));
    let second = demo.polder(&["demo"]);
    assert_eq!(second.status.code(), Some(3), "{second:?}");

    let daemons = demo.daemons();
    assert_eq!(daemons.len(), 5);
    let own = nix::unistd::Pid::from_raw(demo.process.id() as i32);
    nix::sys::signal::kill(own, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert!(demo.process.wait().unwrap().success());
    assert!(daemons.iter().all(|pid| !runs(*pid)));
    assert_eq!(entries(demo.folder.path()), [] as [PathBuf; 0]);
    let output = demo.polder(&["demo", "kill", "web1"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

#[test]
fn nothing_outlives_a_demo_that_is_killed_not_even_what_is_frozen() {
    let mut demo = Demo::start();
    let daemons = demo.daemons();
    assert_eq!(demo.polder(&["demo", "freeze", "px-1"]).status.code(), Some(0));
    assert_eq!(demo.polder(&["demo", "freeze", "shop1"]).status.code(), Some(0));
    demo.process.kill().unwrap();
    demo.process.wait().unwrap();
    eventually("every daemon has ended with the demo", || daemons.iter().all(|pid| !runs(*pid)));
    let backends = || {
        let listening =
            entries(Path::new("/proc")).into_iter().filter_map(|path| std::fs::read(path.join("cmdline")).ok());
        let needle = demo.folder.path().to_string_lossy().into_owned();
        listening.filter(|line| String::from_utf8_lossy(line).contains(&needle)).count()
    };
    eventually("every other process has ended with the demo", || backends() == 0);
}
