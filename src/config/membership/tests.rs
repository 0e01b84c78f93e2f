use super::*;

const USUAL: &str = r#"{ "version": 1,
  "members": {
    "px-nl": { "client": "https://192.0.2.11:2379", "peer": "https://192.0.2.11:2380" },
    "px-ch": { "client": "https://198.51.100.11:2379", "peer": "https://198.51.100.11:2380" }
  },
  "tls": { "ca": "/k/ca.pem", "certificate": "/k/own.pem", "key": "/k/own.pem" },
  "name": "px-nl", "data_dir": "/var/lib/etcd" }"#;

fn findings(text: &str) -> String {
    match parse(Path::new("agreement.json"), text) {
        Ok(_) => String::new(),
        Err(findings) => findings.to_string(),
    }
}

#[test]
fn a_usual_document_is_read_with_the_member_that_is_here() {
    let config = parse(Path::new("agreement.json"), USUAL).unwrap();
    assert_eq!(config.members["px-ch"].peer, "https://198.51.100.11:2380");
    assert_eq!(config.token, "polder-agreement");
    assert_eq!(config.here.unwrap().data_dir, Path::new("/var/lib/etcd"));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (from, to, told) in [
        (r#""name": "px-nl""#, r#""name": "px-de""#, "name: \"px-de\" is not among the members"),
        (r#", "data_dir": "/var/lib/etcd""#, "", "\"name\" needs \"data_dir\" beside it"),
        (r#""name": "px-nl", "#, "", "\"data_dir\" needs \"name\" beside it"),
        ("\"data_dir\": \"/var", "\"data_dir\": \"var", "data_dir: \"var/lib/etcd\" is not an absolute path"),
        ("https://192.0.2.11:2379", "http://127.0.0.1:2379", "http://127.0.0.1:2379 is in clear text beside \"tls\""),
        ("https://192.0.2.11:2380", "https://192.0.2.11", "members.px-nl.peer: "),
        ("\"token\"", "\"token\"", ""),
        ("\"peer\": \"https://192", "\"pear\": \"https://192", "unknown key"),
    ] {
        let text = USUAL.replacen(from, to, 1);
        let found = findings(&text);
        assert!(found.contains(told), "{from} -> {to}: {found}");
    }
    let clear = USUAL.replace(r#""tls": { "ca": "/k/ca.pem", "certificate": "/k/own.pem", "key": "/k/own.pem" },"#, "");
    assert!(findings(&clear).contains("needs \"tls\" beside it"), "{}", findings(&clear));
    assert!(findings(r#"{ "version": 1, "members": {} }"#).contains("at least one member"));
}
