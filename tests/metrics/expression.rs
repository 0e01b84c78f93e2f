//! What an expression of PromQL asks for: its metrics, with the labels that it selects by, and the labels that are left.

use std::collections::BTreeSet;

use polder::daemon::metrics::family::{Family, Kind};

use super::of_daemons;

/// Labels that Prometheus itself gives to what it scrapes, and the one that each of our samples has.
const GIVEN: [&str; 3] = ["instance", "job", "daemon"];

/// Metrics of Prometheus itself and of etcd, without labels of their own.
const OF_OTHERS: [&str; 2] = ["up", "etcd_server_has_leader"];

const FUNCTIONS: [&str; 14] = [
    "sum",
    "min",
    "max",
    "count",
    "rate",
    "increase",
    "changes",
    "time",
    "clamp_max",
    "histogram_quantile",
    "topk",
    "by",
    "abs",
    "label_values",
];

/// A metric in an expression.
#[derive(Debug)]
struct Selected<'e> {
    name: &'e str,
    /// The labels that it is selected by, each with what is wanted of it.
    by: Vec<(&'e str, &'e str)>,
}

/// What is wrong with an expression; `shown`: the labels that a text about its results names.
pub fn faults(expression: &str, shown: &[&str]) -> Vec<String> {
    let (selected, mut faults) = selected(expression);
    let kept = kept(expression);
    let mut labels: BTreeSet<&str> = GIVEN.into();
    for Selected { name, by } in &selected {
        let families = families(name);
        if families.is_empty() {
            faults.push(format!("{name} is no metric of either daemon"));
        }
        labels.extend(families.iter().flat_map(|family| family.labels).map(|label| label.name));
        if name.ends_with("_bucket") {
            labels.insert("le");
        }
        for (label, wanted) in by {
            let known = families.iter().flat_map(|family| family.labels).find(|known| known.name == *label);
            match known {
                None if GIVEN.contains(label) || OF_OTHERS.contains(name) => {}
                None => faults.push(format!("{name} has no label {label}")),
                Some(known) => faults.extend(
                    unknown_value(known.values, wanted).map(|value| format!("{name}: {label} is never {value}")),
                ),
            }
        }
    }
    faults.extend(
        kept.iter()
            .flatten()
            .filter(|label| !labels.contains(**label))
            .map(|label| format!("by ({label}): none of its metrics has it")),
    );
    let left: BTreeSet<&str> = kept.map_or(labels, |kept| kept.into_iter().collect());
    faults.extend(
        shown
            .iter()
            .filter(|label| !left.contains(**label))
            .map(|label| format!("{label} is shown, and the results have {left:?}")),
    );
    faults
}

/// A family of each daemon that has it; of a histogram any of its samples. `up` is Prometheus' own.
fn families(name: &str) -> Vec<Family> {
    let is_it = |family: &Family| match family.kind {
        Kind::Histogram => ["_bucket", "_sum", "_count"].iter().any(|end| name.strip_suffix(end) == Some(family.name)),
        Kind::Counter | Kind::Gauge | Kind::Info => name == family.name,
    };
    if let Some(name) = OF_OTHERS.into_iter().find(|of_others| *of_others == name) {
        return vec![Family { name, kind: Kind::Gauge, labels: &[], help: "" }];
    }
    of_daemons().into_iter().flat_map(|(_, families)| families).filter(is_it).collect()
}

/// A value that the label never has, where all that it has are listed.
fn unknown_value<'w>(values: &str, wanted: &'w str) -> Option<&'w str> {
    let listed = values.starts_with('`') && !values.contains(" to ");
    let is_plain = wanted.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (listed && is_plain && !values.contains(&format!("`{wanted}`"))).then_some(wanted)
}

/// The metrics of an expression, and what in it is neither metric nor known.
fn selected(expression: &str) -> (Vec<Selected<'_>>, Vec<String>) {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    let mut rest = expression;
    while let Some(at) = rest.find(|letter: char| letter.is_ascii_alphabetic() || matches!(letter, '[' | '"')) {
        rest = &rest[at..];
        if let Some(range) = rest.strip_prefix('[') {
            rest = range.split_once(']').map_or("", |(_, behind)| behind);
            continue;
        }
        let length = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(rest.len());
        let (word, behind) = rest.split_at(length);
        rest = behind.trim_start();
        if word == "by" {
            rest = rest.split_once(')').map_or("", |(_, behind)| behind);
        } else if rest.starts_with('(') || rest.starts_with("by ") {
            if !FUNCTIONS.contains(&word) {
                faults.push(format!("{word} is no function that is known here"));
            }
        } else {
            let inside = rest.strip_prefix('{').and_then(|braces| braces.split_once('}'));
            let (inside, behind) = inside.unwrap_or(("", rest));
            rest = behind;
            found.push(Selected { name: word, by: matchers(inside) });
        }
    }
    (found, faults)
}

/// `label="value"`, `label=~"value"` and the like, between commas.
fn matchers(inside: &str) -> Vec<(&str, &str)> {
    let parts = inside.split(',').map(str::trim).filter(|part| !part.is_empty());
    let part = |part: &'_ str| -> Option<(usize, usize)> { Some((part.find(['=', '!'])?, part.find('"')?)) };
    parts
        .map(|text| match part(text) {
            Some((name, value)) => (&text[..name], text[value..].trim_matches('"')),
            None => (text, ""),
        })
        .collect()
}

/// The labels that the outermost aggregation keeps; none: it keeps all.
fn kept(expression: &str) -> Option<Vec<&str>> {
    if let Some((_, behind)) = expression.split_once("by (") {
        let (labels, _) = behind.split_once(')')?;
        let labels = labels.split(',').map(str::trim);
        // A quantile takes the buckets' bounds away.
        let is_quantile = expression.starts_with("histogram_quantile");
        return Some(labels.filter(|label| !is_quantile || *label != "le").collect());
    }
    ["sum(", "min(", "max(", "count("].iter().any(|all| expression.starts_with(all)).then(Vec::new)
}

#[test]
fn what_is_wrong_with_an_expression_is_found() {
    for (expression, shown, fault) in [
        ("polder_gone > 0", &[][..], "polder_gone is no metric"),
        ("rate(polder_requests_total{host=\"a\"}[5m])", &[], "has no label host"),
        ("polder_zone_source{source=\"flie\"} == 0", &[], "source is never flie"),
        ("sum by (zone) (polder_requests_total)", &[], "by (zone): none of its metrics has it"),
        ("sum by (worker) (polder_requests_total)", &["instance"], "instance is shown"),
        ("sum(polder_requests_total)", &["worker"], "worker is shown"),
        ("average(polder_requests_total)", &[], "average is no function"),
        ("rate(polder_request_duration_seconds[5m])", &[], "polder_request_duration_seconds is no metric"),
    ] {
        let found = faults(expression, shown);
        assert!(found.len() == 1 && found[0].contains(fault), "{expression}: {found:?}");
    }
}

#[test]
fn what_is_right_is_let_be() {
    for (expression, shown) in [
        ("up{job=\"polder\"} == 0", &["instance"][..]),
        ("polder_latches_differing > 0", &["instance", "peer"]),
        ("increase(polder_reloads_total{result=\"failed\"}[15m]) > 0", &["daemon"]),
        (
            "histogram_quantile(0.99, sum by (le, service) (rate(polder_request_duration_seconds_bucket{service=~\"$service\"}[$__rate_interval])))",
            &["service"],
        ),
        ("a_time() - 1", &[]),
    ] {
        let found = faults(expression, shown);
        assert_eq!(found.len(), usize::from(expression.starts_with("a_time")), "{expression}: {found:?}");
    }
}
