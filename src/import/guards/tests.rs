use super::super::headers;
use super::*;

fn after(rules: &[(&str, &[&str])]) -> Table {
    rules.iter().fold(Table::new(), |mut settings, (key, networks)| {
        headers::apply(&mut settings, &Table::new().with(key, networks.to_vec()));
        settings
    })
}

fn list(settings: &Table, key: &str) -> Vec<String> {
    let networks = settings.get(key).map(Tree::list).unwrap_or_default();
    networks.iter().filter_map(|network| network.text().map(str::to_owned)).collect()
}

#[test]
fn who_is_allowed_by_two_rules_lies_in_a_network_of_each() {
    let settings = after(&[("allow", &["10.0.0.0/8", "192.0.2.7"]), ("allow", &["10.1.0.0/16", "192.0.2.0/24"])]);
    assert_eq!(list(&settings, "allow"), ["192.0.2.7", "10.1.0.0/16"]);
}

#[test]
fn what_is_allowed_within_what_is_denied_is_allowed_no_more() {
    for rules in [
        [("deny", &["10.0.0.0/8"][..]), ("allow", &["10.1.0.0/16", "192.0.2.0/24"][..])],
        [("allow", &["10.1.0.0/16", "192.0.2.0/24"][..]), ("deny", &["10.0.0.0/8"][..])],
    ] {
        let mut settings = after(&rules);
        assert_eq!(list(&settings, "allow"), ["192.0.2.0/24"]);
        assert!(!leave_nobody(&mut settings));
    }
}

#[test]
fn guards_that_leave_nobody_are_known_and_taken_out() {
    let two = |key: &str, what: &str| {
        ["/a", "/b"].into_iter().fold(Table::new(), |mut settings, value| {
            headers::apply(&mut settings, &Table::new().with(key, Table::new().with(what, value)));
            settings
        })
    };
    for mut settings in [
        after(&[("allow", &["10.0.0.0/8"]), ("allow", &["192.0.2.0/24"])]),
        after(&[("allow", &["10.0.0.0/8"]), ("deny", &["10.0.0.0/8"])]),
        two("basic_auth", "users_file"),
        two("forward_auth", "path"),
    ] {
        assert!(leave_nobody(&mut settings), "{settings:?}");
        assert!(settings.is_empty(), "{settings:?}");
    }
}

#[test]
fn files_of_networks_come_together_only_where_it_is_known_who_is_left() {
    let after = |rules: &[(&str, &str)]| {
        rules.iter().fold(Table::new(), |mut settings, (key, file)| {
            let networks = if file.starts_with('/') {
                networks(&[], &[(*file).to_owned()], *key == "allow")
            } else {
                networks(&[(*file).to_owned()], &[], *key == "allow")
            };
            headers::apply(&mut settings, &networks.expect("good ones"));
            settings
        })
    };
    for rules in [[("deny", "/a"), ("deny", "/b")], [("deny", "/a"), ("deny", "10.0.0.0/8")]] {
        let mut settings = after(&rules);
        assert!(!leave_nobody(&mut settings));
        assert_eq!(settings.get("deny").map(|list| list.list().len()), Some(2), "{settings:?}");
    }
    assert!(!leave_nobody(&mut after(&[("allow", "/a"), ("allow", "/a")])));
    for rules in [
        [("allow", "/a"), ("allow", "/b")],
        [("allow", "/a"), ("allow", "10.0.0.0/8")],
        [("allow", "/a"), ("deny", "10.0.0.0/8")],
        [("allow", "10.0.0.0/8"), ("deny", "/a")],
    ] {
        assert!(leave_nobody(&mut after(&rules)), "{rules:?}");
    }
}
