use super::*;

fn host_state() -> HostState {
    let report = Report {
        protocol: VERSION,
        version: String::new(),
        host: "px-nl".to_owned(),
        system: "/nix/store/a".into(),
        profile: "/nix/store/a".into(),
        booted: "/nix/store/a".into(),
        boot: String::new(),
        free: LEAST_FREE,
        lock: None,
        activation: None,
        last: None,
        failed_units: Vec::new(),
        clock_ms: 0,
    };
    HostState { report, running: Running::default() }
}

#[test]
fn a_host_that_is_as_it_should_be_is_fit() {
    assert_eq!(obstacles("px-nl", &Ok(host_state())), [""; 0]);
}

#[test]
fn each_thing_that_stands_in_the_way_is_told() {
    let mut other = host_state();
    other.report.protocol = 7;
    other.report.host = "px-ch".to_owned();
    other.report.profile = "/nix/store/b".into();
    other.report.free = 1024 * 1024;
    let reasons = obstacles("px-nl", &Ok(other));
    for (reason, words) in reasons.iter().zip(["version 7", "its host name is px-ch", "but its profile", "1 MiB free"])
    {
        assert!(reason.contains(words), "{reason}\nlacks {words}");
    }
    assert_eq!(reasons.len(), 4);
    assert!(obstacles("px-nl", &Err(Error::new("no route")))[0].contains("--skip px-nl"));
}
