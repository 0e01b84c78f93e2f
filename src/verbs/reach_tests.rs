#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};

use super::*;
use crate::push::remote::Silence;
use crate::verbs::daemons::{Answer as Said, ask_all as ask_daemons};

/// Hosts whose daemons all answer with one status, but for one that is not reached.
struct Hosts;

const DEAD: &str = "ns-ch";

impl Gates for Hosts {
    fn ask(&self, host: &str, request: &Request, _: Duration) -> Result<Answer, Silence> {
        assert!(matches!(request, Request::Report), "{request:?}");
        match host {
            DEAD => Err(Silence::Unreachable("no route to host".to_owned())),
            "px-new" => Ok(Answer::Refused { why: "it is of another release".to_owned() }),
            _ => Ok(Answer::Report(Box::new(report(host)))),
        }
    }

    fn relay(&self, host: &str, daemon: Daemon, mut stream: UnixStream) -> Result<(), Silence> {
        let _ = stream.read(&mut [0; 4096]);
        let body = format!("{{ \"hello\": \"{host} {}\" }}", daemon.name());
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        let _ = stream.write_all(format!("{head}{body}").as_bytes());
        Ok(())
    }
}

fn report(host: &str) -> Report {
    Report {
        protocol: 1,
        version: "0.1.0".to_owned(),
        host: host.to_owned(),
        system: "/nix/store/a".into(),
        profile: "/nix/store/a".into(),
        booted: "/nix/store/a".into(),
        boot: "1".to_owned(),
        free: 1 << 30,
        lock: None,
        activation: None,
        last: None,
        failed_units: Vec::new(),
        clock_ms: 0,
    }
}

fn fleet() -> Fleet {
    let host = |roles: &str| format!(r#"{{ "location": "nl", "roles": {roles}, "addresses": ["192.0.2.1"] }}"#);
    let text = format!(
        r#"{{ "version": 1, "zones": {{}}, "pools": {{}}, "systems": {{}}, "hosts": {{
             "both": {}, "ns-ch": {}, "web-1": {}, "px-new": {} }} }}"#,
        host(r#"["proxy", "nameserver"]"#),
        host(r#"["nameserver"]"#),
        host(r#"["backend"]"#),
        host(r#"["proxy"]"#),
    );
    fleet::parse(Path::new("fleet.json"), &text).unwrap()
}

#[tokio::test]
async fn every_daemon_of_the_fleet_is_asked_through_its_hosts_gate_and_silent_hosts_say_why() {
    let (gates, fleet) = (Arc::new(Hosts), fleet());
    let hosts: Vec<String> = fleet.hosts.keys().cloned().collect();
    let reports = reports(&*gates, &hosts);
    let (tunnels, located) = Tunnels::open(&gates, &fleet, "admin-nl", &reports).unwrap();
    let names: Vec<String> = located.iter().map(Located::label).collect();
    assert_eq!(names, ["both", "both", "ns-ch", "px-new"]);

    let said = located[1].get("/hello").await.unwrap();
    assert_eq!(said["hello"], "both polder-dns");
    let asked = ask_daemons(&located).await;
    let why = |index: usize| match &asked[index].answer {
        Said::None(why) => why.clone(),
        other => panic!("{other:?}"),
    };
    assert!(why(0).contains("no polder daemon"), "{}", why(0));
    assert_eq!(why(2), "not reached: no route to host");
    assert_eq!(why(3), "not reached: it is of another release");

    let folder = located[0].socket.parent().unwrap().to_owned();
    assert!(folder.exists());
    drop(tunnels);
    assert!(!folder.exists());
    assert_eq!(Arc::strong_count(&gates), 1, "no thread is left that holds the gates");
}
