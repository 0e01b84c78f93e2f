#![allow(clippy::unwrap_used)]

mod silence;

use serde_json::json;

use super::members::take;
use super::*;

fn side(proxy: &Value, dns: &Value, zone: &str) -> Running {
    Running {
        documents: [("proxy.json".to_owned(), proxy.to_string()), ("dns.json".to_owned(), dns.to_string())].into(),
        zones: [("example.net".to_owned(), zone.to_owned())].into(),
        ..Running::default()
    }
}

fn proxy() -> Value {
    json!({ "version": 1, "limits": { "tries": 3 }, "services": {
        "www": { "hosts": ["www.example.net"], "mode": "stateless", "check": { "fall": 3 }, "backends": [
            { "name": "web-1", "address": "192.0.2.21:80", "weight": 100 }, { "name": "web-2", "address": "192.0.2.22:80" } ] },
        "shop": { "hosts": ["shop.example.net"], "mode": "stateful", "cookie": { "name": "a" }, "backends": [
            { "name": "web-2", "address": "192.0.2.22:8080" }, { "name": "web-3", "address": "192.0.2.23:8080", "backup": true } ] } } })
}

fn dns() -> Value {
    json!({ "version": 1, "zones": { "example.net": { "file": "/nix/store/a" } }, "pools": { "http0.l.example.net": {
        "ttl": 300, "members": { "px-nl": { "addresses": ["192.0.2.11"] }, "px-ch": { "addresses": ["192.0.2.12"] } } } } })
}

const ZONE: &str = "$TTL 60\n@ IN SOA ns h ( 41 1 1 1 1 )\n@ IN NS ns\nns IN A 192.0.2.1\nwww IN CNAME http0.l\n";

/// The sentences after a change.
fn after(change: impl FnOnce(&mut Value, &mut Value, &mut String)) -> Vec<String> {
    let (mut new_proxy, mut new_dns, mut zone) = (proxy(), dns(), ZONE.to_owned());
    change(&mut new_proxy, &mut new_dns, &mut zone);
    sentences(&side(&proxy(), &dns(), ZONE), &side(&new_proxy, &new_dns, &zone))
}

#[test]
fn without_a_difference_nothing_is_said() {
    assert_eq!(after(|_, _, _| {}), [""; 0]);
    assert_eq!(after(|_, dns, _| dns["zones"]["example.net"]["file"] = json!("/nix/store/b")), [""; 0]);
}

#[test]
fn a_service_that_no_backend_answers_is_told_by_what_does() {
    let said = after(|proxy, _, _| {
        let service = &mut proxy["services"];
        service["old"] = json!({ "hosts": ["old.example.net"], "redirect": { "host": "www.example.net" } });
        service["www"] = json!({ "hosts": ["www.example.net"], "answer": { "status": 503 } });
    });
    assert_eq!(
        said,
        [
            r#"service old appears: old.example.net: redirect {"host":"www.example.net"}"#,
            "service www: is answered by answer now, and no longer by backends",
            "service www: web-1 leaves",
            "service www: web-2 leaves",
            r#"service www: answer unset -> {"status":503}"#,
            r#"service www: check {"fall":3} -> unset"#,
            "service www: mode stateless -> unset",
        ]
    );
}

#[test]
fn backends_join_leave_and_change() {
    let said = after(|proxy, _, _| {
        proxy["services"]["www"]["backends"] = json!([
            { "name": "web-2", "address": "192.0.2.22:81", "weight": 50 }, { "name": "web-3", "address": "192.0.2.23:80" } ]);
    });
    assert_eq!(
        said,
        [
            "service www: web-1 leaves",
            "service www: web-2 weight 100 -> 50",
            "service www: web-2: address 192.0.2.22:80 -> 192.0.2.22:81",
            "service www: web-3 joins (weight 100)"
        ]
    );
    let said = after(|proxy, _, _| {
        proxy["services"]["shop"]["backends"] = json!([
            { "name": "web-3", "address": "192.0.2.23:8080" }, { "name": "web-2", "address": "192.0.2.22:8080", "backup": true } ]);
    });
    assert_eq!(
        said,
        [
            "service shop: web-3 becomes a primary",
            "service shop: web-2 becomes a backup",
            "service shop: its backends are in another order: web-3, web-2"
        ]
    );
}

#[test]
fn services_appear_go_and_change() {
    let said = after(|proxy, _, _| {
        take(&mut proxy["services"], "shop");
        proxy["services"]["new"] = json!({ "hosts": ["new.example.net"], "backends": [{ "name": "web-1" }] });
        proxy["services"]["www"]["check"]["fall"] = json!(4);
        proxy["services"]["www"]["hosts"] = json!(["www.example.net", "example.net"]);
    });
    assert_eq!(
        said,
        [
            "service new appears: new.example.net on web-1",
            "service shop goes",
            "service www: check.fall 3 -> 4",
            "service www: hosts www.example.net -> www.example.net, example.net"
        ]
    );
}

#[test]
fn pools_change() {
    let said = after(|_, dns, _| {
        take(&mut dns["pools"]["http0.l.example.net"]["members"], "px-ch");
        dns["pools"]["http0.l.example.net"]["members"]["px-de"] = json!({ "addresses": [] });
        dns["pools"]["http0.l.example.net"]["ttl"] = json!(60);
    });
    let about = "pool http0.l.example.net";
    assert_eq!(
        said,
        [format!("{about}: px-ch leaves"), format!("{about}: px-de joins"), format!("{about}: ttl 300 -> 60")]
    );
}

#[test]
fn a_zone_tells_how_many_records_change_and_its_serial() {
    let said =
        after(|_, _, zone| *zone = zone.replace("41", "42").replace("192.0.2.1", "192.0.2.2") + "new IN A 192.0.2.9\n");
    assert_eq!(said, ["zone example.net: 2 records change, serial 41 -> 42"]);
    let said = after(|_, _, zone| *zone = zone.replace("www", "web"));
    assert_eq!(said, ["zone example.net: 2 records change, serial stays 41"], "one goes, another comes");
    let said = after(|_, _, zone| *zone = zone.replace("ns h ( 41 1 1 1 1 )", "ns h ( 42 1 1 1 9 )"));
    assert_eq!(said, ["zone example.net: 1 record changes, serial 41 -> 42"], "the SOA's other numbers are no serial");
    let said = after(|_, _, zone| zone.push_str("; a remark\n"));
    assert_eq!(said, ["zone example.net: no record changes, serial stays 41"]);
}

#[test]
fn a_zone_that_comes_signed_no_more_says_what_its_parent_has_to_do_first() {
    let denial = crate::config::dns::Denial::Nsec;
    let signed = crate::dns::signing::fixture::presigned_text("example.net", ZONE, 1_795_000_000, denial);
    let (signed, plain) = (side(&proxy(), &dns(), &signed), side(&proxy(), &dns(), ZONE));
    let [no_more] = &sentences(&signed, &plain)[..] else { panic!() };
    assert!(no_more.contains("serial stays 41; it comes signed no more: while its parent has a DS of it"), "{no_more}");
    let [now] = &sentences(&plain, &signed)[..] else { panic!() };
    assert!(now.ends_with("serial stays 41; it comes signed"), "{now}");
}

#[test]
fn zones_appear_and_go_and_without_a_file_to_read_so_too() {
    let (mut old, mut new) = (side(&proxy(), &dns(), ZONE), side(&proxy(), &dns(), ZONE));
    let mut document = dns();
    document["zones"]["example.org"] = json!({ "file": "/nix/store/c" });
    new.documents.insert("dns.json".to_owned(), document.to_string());
    assert_eq!(sentences(&old, &new), ["dns.json: zones.example.org unset -> {}"]);
    new.zones.insert("example.org".to_owned(), ZONE.to_owned());
    assert_eq!(sentences(&old, &new), ["zone example.org appears with serial 41"]);
    assert_eq!(sentences(&new, &old), ["zone example.org goes"]);
    document["zones"]["example.net"]["later"] = json!(true);
    old.documents.insert("dns.json".to_owned(), document.to_string());
    old.zones.insert("example.org".to_owned(), ZONE.to_owned());
    assert_eq!(sentences(&old, &new), ["dns.json: zones.example.net.later true -> unset"], "a key of another release");
}

#[test]
fn what_nobody_speaks_of_is_told_with_its_path() {
    assert_eq!(after(|proxy, _, _| proxy["limits"]["tries"] = json!(2)), ["proxy.json: limits.tries 3 -> 2"]);
    assert_eq!(after(|_, dns, _| dns["workers"] = json!(2)), ["dns.json: workers unset -> 2"]);
}

#[test]
fn of_long_values_those_characters_are_told_that_differ() {
    let paths = |last: &str| {
        let mut paths: Vec<String> = (10..40).map(|n| format!("/path-{n}")).collect();
        paths.push(last.to_owned());
        json!(paths)
    };
    let mut old = proxy();
    old["services"]["www"]["paths"] = paths("/old");
    let mut new = proxy();
    new["services"]["www"]["paths"] = paths("/new");
    assert_eq!(
        sentences(&side(&old, &dns(), ZONE), &side(&new, &dns(), ZONE)),
        ["service www: paths …38, /path-39, /old -> …38, /path-39, /new"]
    );
}

#[test]
fn a_daemon_comes_and_goes() {
    let old = Running { documents: [("proxy.json".to_owned(), "{}".to_owned())].into(), ..Running::default() };
    let new = Running { documents: [("dns.json".to_owned(), "{}".to_owned())].into(), ..Running::default() };
    assert_eq!(sentences(&old, &new), ["polder-dns is new here", "polder-proxy goes"]);
}

fn units(old: &str, new: &str) -> String {
    let side = |text: &str| [("polder-proxy.service".to_owned(), text.to_owned())].into();
    effects(&side(old), &side(new)).in_words()
}

#[test]
fn a_unit_is_reloaded_restarted_or_left_alone_as_nixos_decides() {
    let unit = |head: &str, service: &str| format!("[Unit]\nX-Marker=1\n{head}\n[Service]\nExecStart={service}\n");
    let reload = "X-ReloadIfChanged=true";
    assert_eq!(units(&unit("", "/a"), &unit("", "/a")), "touches no unit");
    assert_eq!(units(&unit(reload, "/a"), &unit(reload, "/b")), "reloads polder-proxy, restarts nothing");
    assert_eq!(units(&unit("", "/a"), &unit("", "/b")), "restarts polder-proxy");
    assert_eq!(
        units(&unit("X-Reload-Triggers=a", "/a"), &unit("X-Reload-Triggers=b", "/a")),
        "reloads polder-proxy, restarts nothing"
    );
    let never = "X-RestartIfChanged=false";
    assert_eq!(units(&unit(never, "/a"), &unit(never, "/b")), "touches no unit");
    assert_eq!(units(&unit("Description=a", "/a"), &unit("Description=b", "/a")), "touches no unit");
}

#[test]
fn a_unit_with_another_dependency_is_restarted_and_one_for_persons_never() {
    let after = |what: &str| format!("[Unit]\nAfter={what}\n");
    assert_eq!(units(&after("a.target"), &after("b.target")), "restarts polder-proxy");
    let manual = |what: &str| format!("[Unit]\nX-OnlyManualStart=true\n[Service]\nExecStart={what}\n");
    assert_eq!(units(&manual("/a"), &manual("/b")), "touches no unit");
}

#[test]
fn a_line_that_goes_on_is_compared_to_its_end() {
    let unit = |last: &str| format!("[Service]\nExecStart=/a \\\n  --one \\\n# a remark\n  --two={last}\nUser=a\n");
    assert_eq!(units(&unit("1"), &unit("1")), "touches no unit");
    assert_eq!(units(&unit("1"), &unit("2")), "restarts polder-proxy");
    let remark = |text: &str| format!("# {text}\n[Service]\nExecStart=/a \\\n# {text}\n  --one\n");
    assert_eq!(units(&remark("1"), &remark("2")), "touches no unit");
}

/// From units to units, each name with a text.
fn of_all(old: &[(&str, &str)], new: &[(&str, &str)]) -> String {
    let side = |units: &[(&str, &str)]| units.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
    effects(&side(old), &side(new)).in_words()
}

#[test]
fn units_come_and_go() {
    let old = [("gone.service", "[Unit]\n"), ("gone.timer", ""), ("stays.service", "[Unit]\nX-StopOnRemoval=false\n")];
    let new = [("fresh.service", "[Service]\nExecStart=/a\n"), ("of@.service", "")];
    assert_eq!(of_all(&old, &new), "starts fresh, stops gone, gone.timer, restarts nothing");
}

#[test]
fn a_new_service_that_its_timer_or_socket_starts_is_not_started_now() {
    let new = [("backup.service", "[Service]\n"), ("backup.timer", "[Timer]\n")];
    assert_eq!(of_all(&[], &new), "starts backup.timer, restarts nothing");
    let new = [("gate.socket", "[Socket]\n"), ("gate@.service", "[Service]\n")];
    assert_eq!(of_all(&[], &new), "starts gate.socket, restarts nothing");
}

#[test]
fn a_socket_that_changes_has_to_be_restarted_unless_it_is_started_anew_with_its_service() {
    let side = |n: u8, service: &str| {
        [("gate.socket", format!("[Socket]\nBacklog={n}\n")), ("gate.service", format!("[Service]\nA={n}\n{service}"))]
    };
    let words = |service: &str| {
        let (old, new) = (side(1, service), side(2, service));
        of_all(
            &old.each_ref().map(|(name, text)| (*name, &**text)),
            &new.each_ref().map(|(name, text)| (*name, &**text)),
        )
    };
    assert_eq!(words(""), "restarts gate");
    let stale = "restarts gate; keeps the old settings of gate.socket until `systemctl restart gate.socket` there";
    assert_eq!(words("X-StopIfChanged=false\n"), stale);
}

#[test]
fn of_other_kinds_only_timers_and_mounts_are_touched_by_a_change() {
    let changed = |unit: &str, section: &str| {
        of_all(&[(unit, &format!("[{section}]\nA=1\n"))], &[(unit, &format!("[{section}]\nA=2\n"))])
    };
    assert_eq!(changed("a.timer", "Timer"), "restarts a.timer");
    assert_eq!(changed("srv.mount", "Mount"), "restarts srv.mount");
    assert_eq!(changed("-.mount", "Mount"), "reloads -.mount, restarts nothing");
    let stale = |unit: &str| {
        format!("touches no unit; keeps the old settings of {unit} until `systemctl restart {unit}` there")
    };
    assert_eq!(changed("a.socket", "Socket"), stale("a.socket"));
    assert_eq!(changed("a.path", "Path"), stale("a.path"));
    assert_eq!(changed("a.slice", "Slice"), "touches no unit");
    let options = [("srv.mount", "[Mount]\nOptions=ro\n")];
    assert_eq!(of_all(&options, &[("srv.mount", "[Mount]\nOptions=rw\n")]), "reloads srv.mount, restarts nothing");
}
