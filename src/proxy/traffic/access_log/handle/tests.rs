//! A place for the log that hangs: nobody waits for it, and what it does not take is counted.
#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use super::*;
use crate::config::proxy::AccessLogPath;
use crate::proxy::request_id::RequestId;
use crate::proxy::traffic::access_log::{Lines, Record};
use crate::proxy::traffic::http1::forwarded::Client;
use crate::proxy::traffic::termination::End;
use crate::proxy::traffic::trace::Trace;

const PATIENCE: Duration = Duration::from_secs(60);

fn write(lines: &Lines, log: &AccessLog, change: impl FnOnce(&mut Trace)) {
    let client = Client::new("192.0.2.7:5000".parse().unwrap());
    let mut trace = Trace::new(tokio::time::Instant::now());
    change(&mut trace);
    lines.write(log, &Record { client: &client, listener: "http", request: None, trace: &trace });
}

fn eventually(what: &str, happened: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < until, "in vain: {what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_place_that_hangs_holds_nobody_up_and_another_one_takes_over() {
    let folder = tempfile::tempdir().unwrap();
    let [pipe, file] = ["pipe", "file"].map(|name| folder.path().join(name));
    nix::unistd::mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    // It is open, and never read from.
    let reader = File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&pipe).unwrap();
    let log = AccessLog::open(Some(&AccessLogConfig::to(AccessLogPath::File(pipe))), None).unwrap();
    let lines = Lines::default();
    let mut written = 0;
    // More than fits into the pipe and before the writer.
    while log.dropped() == 0 {
        write(&lines, &log, |_| {});
        written += 1;
        assert!(written < 1_000_000, "what is it that takes so much?");
    }
    let before = log.dropped();
    (0..1_000).for_each(|_| write(&lines, &log, |_| {}));
    lines.flush(&log);
    assert!(log.dropped() >= before + 500, "every line that is dropped counts: {}, then {}", before, log.dropped());

    // A reload does not wait for it either.
    log.reopen(Some(&AccessLogConfig::to(AccessLogPath::File(file.clone())))).unwrap();
    drop(reader);
    eventually("the next place is written to", || {
        write(&lines, &log, |_| {});
        lines.flush(&log);
        std::fs::metadata(&file).is_ok_and(|file| file.len() > 0)
    });
}

#[test]
fn a_place_that_hangs_does_not_keep_the_process_from_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    let _reader = File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&pipe).unwrap();
    let log = AccessLog::open(Some(&AccessLogConfig::to(AccessLogPath::File(pipe))), None).unwrap();
    let lines = Lines::default();
    while log.dropped() == 0 {
        write(&lines, &log, |_| {});
    }
    // With a writer that is waited for, this never comes back.
    drop(log);
}

#[test]
fn an_access_log_that_is_taken_away_leaves_nothing_of_visitors_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let config = AccessLogConfig::to(AccessLogPath::File(folder.path().join("log")));
    let kept = || folder.path().join("requests.jsonl").exists();
    let fail = |log: &AccessLog| {
        let lines = Lines::default();
        let id = RequestId::given(b"failed");
        write(&lines, log, |trace| (trace.status, trace.end, trace.request_id) = (503, End::NoBackend, id));
        lines.flush(log);
        eventually("it is kept", kept);
    };
    let log = AccessLog::open(Some(&config), Some(folder.path())).unwrap();
    fail(&log);
    log.reopen(None).unwrap();
    assert!(!kept(), "a reload has taken it away");
    drop(log);
    let log = AccessLog::open(Some(&config), Some(folder.path())).unwrap();
    fail(&log);
    drop(log);
    drop(AccessLog::open(None, Some(folder.path())).unwrap());
    assert!(!kept(), "the document of a new process has none");
}

#[test]
fn a_journal_that_is_not_there_keeps_nobody_from_starting() {
    let config = AccessLogConfig::to(AccessLogPath::Journal);
    assert!(AccessLog::open(Some(&config), None).is_ok());
}

#[test]
fn a_failure_is_found_without_an_access_log_and_leaves_nothing_on_a_disk() {
    let folder = tempfile::tempdir().unwrap();
    let log = AccessLog::open(None, Some(folder.path())).unwrap();
    let lines = Lines::default();
    let id = |name: &str| RequestId::given(name.as_bytes());
    write(&lines, &log, |trace| (trace.status, trace.end, trace.request_id) = (503, End::NoBackend, id("failed")));
    write(&lines, &log, |trace| (trace.status, trace.end, trace.request_id) = (429, End::ClientTooFast, id("refused")));
    write(&lines, &log, |trace| (trace.status, trace.request_id) = (200, id("good")));
    write(&lines, &log, |trace| {
        (trace.status, trace.responded, trace.request_id) = (200, Some(Duration::from_secs(6)), id("slow"));
    });
    lines.flush(&log);
    eventually("they are kept", || ["failed", "refused", "slow"].iter().all(|id| log.find(id).lines.len() == 1));
    assert!(log.find("good").lines.is_empty());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_pipe_that_nobody_reads_keeps_no_daemon_from_its_start_or_reload_and_is_written_to_once_somebody_does() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    let config = AccessLogConfig::to(AccessLogPath::File(pipe.clone()));
    // Opened in the usual way, neither would come back.
    let log = AccessLog::open(Some(&config), None).unwrap();
    log.reopen(Some(&config)).unwrap();
    let lines = Lines::default();
    eventually("what is not written counts", || {
        write(&lines, &log, |_| {});
        lines.flush(&log);
        log.dropped() > 0 && log.failure().is_some_and(|why| why.contains("lines are lost until it can"))
    });
    let reader = File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&pipe).unwrap();
    eventually("somebody reads it now", || {
        write(&lines, &log, |_| {});
        lines.flush(&log);
        std::io::Read::read(&mut &reader, &mut [0; 64]).is_ok_and(|length| length > 0)
    });
    eventually("and that is no failure any more", || log.failure().is_none());
}

#[test]
fn what_failed_is_kept_while_the_place_of_the_log_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    let _reader = File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&pipe).unwrap();
    let config = AccessLogConfig::to(AccessLogPath::File(pipe));
    let log = AccessLog::open(Some(&config), Some(folder.path())).unwrap();
    let lines = Lines::default();
    while log.dropped() == 0 {
        write(&lines, &log, |_| {});
    }
    let id = RequestId::given(b"failed");
    write(&lines, &log, |trace| (trace.status, trace.end, trace.request_id) = (503, End::NoBackend, id));
    lines.flush(&log);
    eventually("it is found", || log.find("failed").lines.len() == 1);
    let on_disk = || std::fs::read_to_string(folder.path().join("requests.jsonl")).unwrap_or_default();
    eventually("it is on disk", || on_disk().contains("failed"));
}
