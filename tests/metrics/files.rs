//! The files for whoever runs Prometheus and Grafana: alert rules and a dashboard.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::expression::faults;

fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn json(path: &str) -> Value {
    serde_json::from_str(&file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("not a list: {value}"))
}

/// The labels that a text names between `{{` and `}}`, without what stands before each.
fn shown<'t>(text: &'t str, before: &str) -> Vec<&'t str> {
    let inside = text.split("{{").skip(1).filter_map(|part| Some(part.split_once("}}")?.0.trim()));
    inside.filter_map(|inside| inside.strip_prefix(before)).collect()
}

#[test]
fn every_alert_rule_asks_for_what_the_daemons_say_and_names_labels_that_it_has() {
    let rules = json("dist/prometheus/rules.yml");
    let mut names = BTreeSet::new();
    for rule in list(&rules["groups"]).iter().flat_map(|group| list(&group["rules"])) {
        let (name, expression) = (text(&rule["alert"]), text(&rule["expr"]));
        assert!(names.insert(name), "{name} twice");
        let words = format!("{}{}", text(&rule["annotations"]["summary"]), text(&rule["annotations"]["description"]));
        let faults = faults(expression, &shown(&words, "$labels."));
        assert!(faults.is_empty(), "{name}: {expression}: {faults:#?}");
        assert!(["warning", "critical"].contains(&text(&rule["labels"]["severity"])), "{name}");
        assert!(text(&rule["for"]).ends_with(['s', 'm']), "{name}");
    }
    assert!(names.len() > 10, "{names:?}");
}

#[test]
fn nixos_ships_the_rules_that_others_are_given() {
    assert!(file("modules/alerts.nix").contains("builtins.fromJSON (builtins.readFile ../dist/prometheus/rules.yml)"));
}

#[test]
fn every_panel_of_the_dashboard_asks_for_what_the_daemons_say() {
    let dashboard = json("dist/grafana/polder.json");
    let annotations = list(&dashboard["annotations"]["list"]).iter();
    let annotations = annotations.map(|one| (text(&one["name"]), text(&one["expr"]), text(&one["titleFormat"])));
    let panels = list(&dashboard["panels"]).iter().filter(|panel| panel["type"] != "row");
    let targets = panels.flat_map(|panel| {
        let targets = list(&panel["targets"]);
        assert!(!targets.is_empty(), "{panel}");
        let title = text(&panel["title"]);
        targets.iter().map(move |target| (title, text(&target["expr"]), text(&target["legendFormat"])))
    });
    let mut metrics = BTreeSet::new();
    for (title, expression, legend) in annotations.chain(targets) {
        let faults = faults(expression, &shown(legend, ""));
        assert!(faults.is_empty(), "{title}: {expression}: {faults:#?}");
        metrics.extend(expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_'));
        for variable in expression.split('$').skip(1) {
            let name: String =
                variable.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            let defined = list(&dashboard["templating"]["list"]).iter().any(|one| one["name"] == *name);
            assert!(defined || name == "__rate_interval", "{title}: ${name} is no variable of the dashboard");
        }
    }
    for needed in [
        "polder_service_responses_total",
        "polder_service_unavailable_total",
        "polder_request_duration_seconds_bucket",
        "polder_check_up",
        "polder_pool_members_usable",
        "polder_responses_total",
        "polder_certificate_expiry_timestamp_seconds",
        "polder_alarms",
    ] {
        assert!(metrics.contains(needed), "nothing shows {needed}");
    }
}

#[test]
fn no_panel_of_the_dashboard_lies_over_another_or_beyond_its_width() {
    let dashboard = json("dist/grafana/polder.json");
    let panels = list(&dashboard["panels"]);
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "an id twice");
    let mut taken = BTreeSet::new();
    for panel in panels {
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(x + w <= 24, "{}", panel["title"]);
        for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "{} lies over another one", panel["title"]);
        }
    }
}
