use super::super::draft::{Listener, Service};
use super::*;

fn draft(names: &[&str]) -> Draft {
    let service = |(n, name): (usize, &&str)| Service {
        line: 10 + u32::try_from(n).expect("few"),
        statement: format!("backend {name}"),
        name: (*name).to_owned(),
        settings: Table::new()
            .with("hosts", vec![format!("h{n}.example.net")])
            .with("mode", "stateless")
            .with("backends", vec![Tree::from(Table::new().with("name", "a").with("address", "192.0.2.1:80"))]),
    };
    let listener = |port: u32| Listener {
        line: port,
        statement: format!("bind :{port}"),
        address: format!("0.0.0.0:{port}"),
        tls: false,
        settings: Table::new(),
    };
    Draft {
        listeners: vec![listener(80), listener(81)],
        services: names.iter().enumerate().map(service).collect(),
        ..Draft::default()
    }
}

#[test]
fn names_that_a_document_cannot_have_or_has_twice_become_others() {
    let imported = settle(draft(&["www", "www", "a:b", "-", "a.b"]), Notes::default()).expect("all of it is good");
    let services = imported.document.get("services").and_then(Tree::table).expect("services");
    assert_eq!(services.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["www", "www-2", "a-b", "unnamed", "a.b"]);
    assert_eq!(imported.notes, []);
}

#[test]
fn what_the_reader_refuses_is_left_out_with_its_words_and_the_rest_is_kept() {
    let mut draft = draft(&["a", "a.b", "c"]);
    draft.services[1].settings.set("balance", "sideways");
    draft.listeners[0].settings.set("colour", "red");
    draft.timeouts.set("connect", "0s");
    draft.limits.set("tries", 3);
    draft.root.set("workers", 0);
    let imported = settle(draft, Notes::default()).expect("the rest is good");
    let services = imported.document.get("services").and_then(Tree::table).expect("services");
    assert_eq!(services.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "c"]);
    let told: Vec<_> = imported.notes.iter().map(|note| (note.line, note.statement.as_str())).collect();
    assert_eq!(told, [(1, "timeouts.connect"), (1, "workers"), (11, "backend a.b"), (80, "bind :80")]);
    assert!(imported.notes[2].why.contains("sideways"), "{}", imported.notes[2].why);
    assert!(imported.document.get("limits").is_some());
}

#[test]
fn without_a_service_or_a_listener_there_is_no_document() {
    let mut notes = Notes::default();
    notes.left_out(7, "mode tcp", "polder proxies HTTP alone");
    let error = settle(draft(&[]), notes).expect_err("nothing is served");
    assert_eq!(
        error.to_string(),
        "there is no service in it that polder could have: expected at least one site that is proxied, redirected or answered over HTTP; line 7: mode tcp: polder proxies HTTP alone"
    );
}

/// Without it, its requests would go to a wider service that is open.
#[test]
fn a_guarded_service_that_the_reader_refuses_answers_403_in_its_place() {
    let mut draft = draft(&["a", "b"]);
    draft.services[0].settings.set("allow", vec!["10.0.0.0/8"]);
    draft.services[0].settings.set("balance", "sideways");
    let imported = settle(draft, Notes::default()).expect("the rest is good");
    let services = imported.document.get("services").and_then(Tree::table).expect("services");
    let refusing = Table::new().with("hosts", vec!["h0.example.net"]).with_all(answers::answer(403, None, ""));
    assert_eq!(services.get("a").and_then(Tree::table), Some(&refusing));
    assert!(imported.notes[0].why.contains("answered 403"), "{:?}", imported.notes);
}

#[test]
fn a_service_that_asks_for_certificates_and_is_refused_answers_403_in_its_place() {
    let mut draft = draft(&["a", "b"]);
    let tls = Table::new()
        .with("certificates", vec![Tree::from(Table::new().with("chain_file", "/c").with("key_file", "/k"))])
        .with("client_certificates", Table::new().with("mode", "required").with("ca_file", "/ca.pem"));
    draft.services[0].settings.set("tls", tls);
    draft.services[0].settings.set("balance", "sideways");
    draft.listeners[0].tls = true;
    let imported = settle(draft, Notes::default()).expect("the rest is good");
    let services = imported.document.get("services").and_then(Tree::table).expect("services");
    let a = services.get("a").and_then(Tree::table).expect("it is there");
    assert!(answers::is_error(a), "{}", imported.json());
}
