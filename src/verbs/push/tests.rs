#![allow(clippy::unwrap_used)]

use super::*;

fn step(host: &str, inhibitors: &[&str]) -> Step {
    let inhibitors = inhibitors.iter().map(|line| (*line).to_owned()).collect();
    Step { host: host.to_owned(), before: "/old".into(), system: "/new".into(), inhibitors }
}

fn trial(reboot: bool) -> TrialArgs {
    TrialArgs { reboot, confirm_within: Duration::from_secs(90), prove_within: Duration::from_secs(20) }
}

#[test]
fn nobody_restarts_a_host_without_having_said_so_and_nobody_its_own_machine() {
    let bus = "dbus-implementation: dbus -> broker";
    let steps = [step("px-nl", &[bus]), step("px-ch", &[]), step("admin-nl", &[])];
    let refused = may_reboot(steps.iter(), &trial(false), "admin-nl").unwrap_err().to_string();
    assert!(refused.contains(&format!("px-nl ({bus})")) && refused.contains("--reboot"), "{refused}");
    assert!(!refused.contains("px-ch"), "{refused}");
    may_reboot(steps.iter(), &trial(true), "admin-nl").unwrap();
    may_reboot(steps[1..].iter(), &trial(false), "admin-nl").unwrap();
    let refused = may_reboot(steps.iter(), &trial(true), "px-nl").unwrap_err().to_string();
    assert!(refused.contains("--skip px-nl"), "{refused}");
}
