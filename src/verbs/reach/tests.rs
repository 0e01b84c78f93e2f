#![allow(clippy::unwrap_used)]

use serde_json::Value;

use super::*;
use crate::push::protocol::Instruction;
use crate::push::remote::no_answer::NoAnswer;
use crate::verbs::replies::ask_all as ask_daemons;

/// Hosts whose daemons all answer with one status, but for one that is not reached.
struct Hosts;

const DEAD: &str = "ns-ch";

impl Gates for Hosts {
    fn ask(&self, host: &str, question: &Question, _: Duration) -> Result<Answer, NoAnswer> {
        match question {
            Question::Look { daemon, target } => {
                let body = format!("{{ \"hello\": \"{host} {} {target}\" }}", daemon.program());
                Ok(Answer::Reply { status: 200, body })
            }
            Question::Report if host == DEAD => Err(NoAnswer::Unreachable("no route to host".to_owned())),
            Question::Report if host == "px-new" => Ok(Answer::Refused { why: "it is of another release".to_owned() }),
            Question::Report => Ok(Answer::Report(Box::new(report(host)))),
            other => panic!("{other:?}"),
        }
    }

    fn instruct(&self, _: &str, instruction: &Instruction, _: Duration) -> Result<Answer, NoAnswer> {
        let Instruction::Tell { target, body, .. } = instruction else { panic!("{instruction:?}") };
        Ok(Answer::Reply { status: 409, body: format!(r#"{{ "error": "{target} refuses {} bytes" }}"#, body.len()) })
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
    let endpoint = locate(&gates, &fleet, "admin-nl", &reports);
    let names: Vec<String> = endpoint.iter().map(Endpoint::label).collect();
    assert_eq!(names, ["both", "both", "ns-ch", "px-new"]);

    let said = endpoint[1].get("/hello").await.unwrap();
    assert_eq!(said["hello"], "both polder-dns /hello");
    let refused = endpoint[1].post("/operator", &Value::Null, Duration::from_secs(5)).await.unwrap_err();
    assert!(refused.to_string().contains("/operator refuses 4 bytes"), "{refused}");
    let asked = ask_daemons(&endpoint).await;
    let why = |index: usize| match &asked[index].answer {
        Err(why) => why.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(why(0).contains("no polder daemon"), "{}", why(0));
    assert_eq!(why(2), "not reached: no route to host");
    assert_eq!(why(3), "not reached: it is of another release");
}

#[test]
fn as_long_as_the_fleet_is_the_same_its_connections_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.json");
    let key = folder.path().join("deploy");
    std::fs::write(&key, "a key").unwrap();
    let admin = Admin {
        name: "admin-nl".to_owned(),
        location: "nl".to_owned(),
        deploy_key: key.clone(),
        signing_key: key,
        deploy_user: "deploy".to_owned(),
        working_copy: folder.path().to_owned(),
        state_dir: folder.path().to_owned(),
    };
    let text = |host: &str| {
        format!(
            r#"{{ "version": 1, "zones": {{}}, "pools": {{}}, "systems": {{}}, "hosts": {{
             "{host}": {{ "location": "nl", "roles": ["proxy"], "addresses": ["192.0.2.1"] }} }} }}"#
        )
    };
    let named = FleetArg { file: Some(file.clone()) };
    std::fs::write(&file, text("px-1")).unwrap();
    let first = Reach::of(admin.clone(), &named).unwrap();
    let second = Reach::again(Some(&first), admin.clone(), &named).unwrap();
    assert!(Arc::ptr_eq(&first.remotes, &second.remotes));
    std::fs::write(&file, text("px-2")).unwrap();
    let third = Reach::again(Some(&second), admin, &named).unwrap();
    assert!(!Arc::ptr_eq(&second.remotes, &third.remotes), "another fleet has other hosts and keys");
}

#[tokio::test]
async fn daemons_can_be_located_without_asking_any_host_beforehand() {
    let (gates, fleet) = (Arc::new(Hosts), fleet());
    let endpoints = locate_unasked(&gates, &fleet, "admin-nl");
    assert_eq!(endpoints.iter().map(Endpoint::label).collect::<Vec<_>>(), ["both", "both", "ns-ch", "px-new"]);
    assert!(endpoints.iter().all(|endpoint| endpoint.unreachable.is_none() && endpoint.gate.is_some()));
    assert_eq!(endpoints[3].get("/counters").await.unwrap()["hello"], "px-new polder-proxy /counters");
}
