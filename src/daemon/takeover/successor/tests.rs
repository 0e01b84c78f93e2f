#![allow(clippy::unwrap_used)]
use nix::unistd::geteuid;
use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};

use super::*;

fn own() -> OwnedFd {
    pidfd_open(getpid(), PidfdFlags::empty()).unwrap()
}

#[tokio::test]
async fn a_process_at_the_other_end_with_its_own_pidfd_is_the_successor() {
    let (here, _there) = UnixStream::pair().unwrap();
    let successor = Successor::prove(&here, own(), geteuid().as_raw()).unwrap();
    assert_eq!(successor.process, i32::try_from(std::process::id()).unwrap());
    assert!(!successor.has_ended());
}

#[tokio::test]
async fn another_user_root_too_is_no_successor() {
    let (here, _there) = UnixStream::pair().unwrap();
    let error = Successor::prove(&here, own(), geteuid().as_raw() + 1).unwrap_err().to_string();
    assert!(error.contains("runs as user id"), "{error}");
}

#[tokio::test]
async fn the_pidfd_of_another_process_proves_nothing() {
    let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    let other = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let other = pidfd_open(other, PidfdFlags::empty()).unwrap();
    let (here, _there) = UnixStream::pair().unwrap();
    let error = Successor::prove(&here, other, geteuid().as_raw()).unwrap_err().to_string();
    assert!(error.contains("is not itself at the other end"), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn a_descriptor_that_is_no_pidfd_proves_nothing() {
    let (here, _there) = UnixStream::pair().unwrap();
    let file = std::fs::File::open("/proc/self/status").unwrap();
    let error = Successor::prove(&here, file.into(), geteuid().as_raw()).unwrap_err().to_string();
    assert!(error.contains("not a pidfd"), "{error}");
}

#[test]
fn a_daemon_in_a_service_is_succeeded_within_that_service_only() {
    let proxy = "0::/system.slice/polder-proxy.service\n";
    assert!(same_unit(proxy, proxy).is_ok());
    assert!(same_unit(proxy, "0::/system.slice/polder-proxy.service/inner\n").is_ok(), "a group of the unit's own");
    for other in ["0::/system.slice/polder-gate@3.service\n", "0::/user.slice/user-0.slice/session-1.scope\n", ""] {
        assert!(same_unit(proxy, other).unwrap_err().to_string().contains("reload that service"), "{other}");
    }
}

#[test]
fn a_daemon_in_no_service_is_not_held_to_one() {
    let session = "1:name=systemd:/x\n0::/user.slice/user-1000.slice/user@1000.service/app.slice/term.scope\n";
    assert_eq!(service(session), None);
    for ours in [session, "0::/\n", "0::/docker/5f3a\n", ""] {
        assert!(same_unit(ours, "0::/system.slice/polder-proxy.service\n").is_ok(), "{ours}");
    }
}
