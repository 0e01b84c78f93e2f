use super::*;

#[test]
fn what_the_verbs_need_is_let_through_and_nothing_else() {
    assert!(may_look("/why?id=0f"));
    assert!(may_look("/counters"));
    assert!(may_look("/status") && may_look("/events?since=1") && may_look("/explain?host=www.example.net&path=%2F"));
    assert!(
        may_tell("/operator")
            && may_tell("/failover")
            && may_tell("/failback")
            && may_tell("/forget")
            && may_tell("/reload")
            && may_tell("/dnstap")
    );
    for target in [
        "/takeover",
        "/sockets",
        "/",
        "/status/",
        "//status",
        "/status/../takeover",
        "/STATUS",
        "status",
        "",
        "/status HTTP/1.1\r\nX: y",
        "/explain?host=a b",
        "http://localhost/status",
    ] {
        assert!(!may_look(target), "{target}");
        assert!(!may_tell(target), "{target}");
    }
    assert!(!may_tell("/status") && !may_look("/operator") && !may_tell("/operator?x"));
    assert!(!may_look(&format!("/explain?host={}", "a".repeat(LONGEST))));
}
