#![allow(clippy::unwrap_used)]

use std::ffi::OsStr;

use super::*;

/// More than any test waits for.
const LONG: Duration = Duration::from_secs(60);

fn sleeper() -> Child {
    Command::new("sleep").arg("60").spawn().unwrap()
}

fn running(process: u32) -> bool {
    let process = nix::unistd::Pid::from_raw(process.try_into().unwrap());
    nix::sys::signal::kill(process, None).is_ok()
}

#[test]
fn a_reload_is_in_place_unless_the_successor_is_another_program() {
    let (link, one, two) = (Path::new("/etc/polder/bin/p"), Path::new("/store/1/p"), Path::new("/store/2/p"));
    assert_eq!(decide(Some(one), Some(one), link), Reload::InPlace);
    assert_eq!(decide(Some(one), None, link), Reload::InPlace);
    assert_eq!(decide(Some(one), Some(two), link), Reload::Successor(link.into()));
    assert_eq!(decide(None, Some(two), link), Reload::Successor(link.into()), "replaced on disk");
}

#[test]
fn the_running_program_is_recognised_through_links() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(std::env::current_exe().unwrap(), &link).unwrap();
    assert_eq!(choose(Some(&link)), Reload::InPlace);
    assert_eq!(choose(Some(&folder.path().join("missing"))), Reload::InPlace);
    assert_eq!(choose(None), Reload::InPlace);
    assert_eq!(choose(Some(Path::new("/bin/sh"))), Reload::Successor("/bin/sh".into()));
}

#[test]
fn the_successor_takes_over_with_the_same_document_and_successor_and_its_own_environment() {
    let command = takeover_command(Path::new("/bin/p"), Path::new("/etc/p.json"));
    let command = command.as_std();
    let arguments: Vec<&OsStr> = command.get_args().collect();
    assert_eq!(arguments, ["--config", "/etc/p.json", "--takeover", "--successor", "/bin/p"]);
    let removed: Vec<&OsStr> = command.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
    assert_eq!(removed, ["LISTEN_FDNAMES", "LISTEN_FDS", "LISTEN_PID", "WATCHDOG_PID"]);
}

#[tokio::test]
async fn a_document_the_successor_refuses_is_an_error_with_its_findings() {
    let error = check(Path::new("/bin/sh"), Path::new("/no/such/document"), LONG).await.unwrap_err();
    assert!(error.to_string().contains("/bin/sh refuses /no/such/document"), "{error:?}");
    assert!(!error.findings().is_empty(), "what it printed: {error:?}");
    check(Path::new("true"), Path::new("/x"), LONG).await.unwrap();
    let error = check(Path::new("/no/such/program"), Path::new("/x"), LONG).await.unwrap_err();
    assert!(error.to_string().contains("cannot start /no/such/program"), "{error:?}");
}

#[tokio::test]
async fn a_successor_that_took_over_is_left_alone() {
    let child = sleeper();
    let process = child.id().unwrap();
    let (sender, taken) = oneshot::channel();
    sender.send(()).unwrap();
    assert_eq!(wait(child, taken, LONG).await.unwrap(), process);
    assert!(running(process));
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(process.try_into().unwrap()), nix::sys::signal::Signal::SIGKILL)
        .unwrap();
}

#[tokio::test]
async fn a_successor_that_ends_first_is_an_error_with_its_status() {
    let (sender, taken) = oneshot::channel();
    let child = Command::new("false").spawn().unwrap();
    let error = wait(child, taken, LONG).await.unwrap_err();
    assert_eq!(error.to_string(), "ended before it had taken over (exit status: 1)");
    drop(sender);
}

#[tokio::test]
async fn a_successor_that_does_not_get_there_is_killed() {
    let child = sleeper();
    let process = child.id().unwrap();
    let (sender, taken) = oneshot::channel();
    drop(sender);
    let error = wait(child, taken, Duration::from_millis(10)).await.unwrap_err();
    assert!(error.to_string().contains("was killed"), "{error}");
    assert!(!running(process));
}
