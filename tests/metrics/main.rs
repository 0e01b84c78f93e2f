//! What is said of the metrics, held to the tables that the daemons write their pages from: docs/metrics.md, and what daemons answer.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "blocking clients poll with a limit")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod expression;
mod files;
mod pages;
#[path = "../common/ports.rs"]
mod ports;
mod reference;

use std::collections::BTreeSet;

use polder::daemon::metrics::common;
use polder::daemon::metrics::family::{Family, Kind};
use polder::{acme, dns, proxy};

/// The tables, each with its heading in docs/metrics.md.
const TABLES: [(&str, &[Family]); 4] = [
    ("Both daemons", common::FAMILIES),
    ("Certificates", acme::metrics::FAMILIES),
    ("Proxy", proxy::report::metrics::families::FAMILIES),
    ("Nameserver", dns::report::metrics::families::FAMILIES),
];

/// What each daemon may write.
fn of_daemons() -> [(&'static str, Vec<Family>); 2] {
    let of = |table: &[Family]| common::FAMILIES.iter().chain(acme::metrics::FAMILIES).chain(table).copied().collect();
    [("proxy", of(TABLES[2].1)), ("nameserver", of(TABLES[3].1))]
}

#[test]
fn names_are_as_prometheus_and_open_metrics_want_them() {
    for (daemon, families) in of_daemons() {
        let mut stems = BTreeSet::new();
        for family in families {
            let (name, help) = (family.name, family.plain_help());
            assert!(stems.insert(family.stem()), "{daemon}: OpenMetrics cannot tell {name} from another one");
            assert!(name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')), "{name}");
            assert!(name.starts_with("polder_") || name.starts_with("process_"), "{name}");
            assert_eq!(name.ends_with("_total"), family.kind == Kind::Counter, "{name}");
            assert_eq!(name.ends_with("_info"), family.kind == Kind::Info, "{name}");
            assert!(!name.contains("_milli") && !name.ends_with("_ms"), "{name} is not in a base unit");
            assert!(help.ends_with('.') && !help.contains(['\n', '`']), "{name}: {help:?}");
            let labels: BTreeSet<_> = family.labels.iter().map(|label| label.name).collect();
            assert_eq!(labels.len(), family.labels.len(), "{name}: a label twice");
            assert!(!labels.contains("daemon") && !labels.contains("le"), "{name}: these are written by themselves");
        }
    }
}
