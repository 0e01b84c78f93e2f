//! The certificates that a service's visitors are shown.

use std::collections::BTreeMap;

use super::super::services::Views;
use super::sheet::Sheet;
use crate::api::certificates::CertificateStatus;
use crate::counted::counted;
use crate::unix_time::{formatted, unix_ms};
use crate::verbs::output::Tone;
use crate::verbs::replies::DaemonReply;

/// In milliseconds.
const DAY: u64 = 86_400_000;
/// What ends within so many days is worth a look.
const SOON: u64 = 14;

/// None if no proxy has one for any of its hosts.
pub(super) fn text(views: &Views<'_>, replies: &[DaemonReply], width: usize) -> Option<String> {
    let hosts = || views.by_proxy.iter().flat_map(|(_, service)| &service.hosts);
    let is_for = |one: &&CertificateStatus| one.hosts.iter().any(|name| hosts().any(|host| covers(name, host)));
    let of_proxies = replies.iter().filter_map(DaemonReply::proxy).flat_map(|status| &status.certificates);
    let all: BTreeMap<&str, &CertificateStatus> = of_proxies.filter(is_for).map(|one| (&*one.file, one)).collect();
    if all.is_empty() {
        return None;
    }
    let mut sheet = Sheet::new(width);
    for CertificateStatus { file, hosts, ends, error, .. } in all.into_values() {
        sheet.heading(&format!("certificate of {}", hosts.join(", ")), file);
        if let Some(ends) = ends {
            let days = ends.saturating_sub(unix_ms()) / DAY;
            let words = format!("valid until {} (for {})", formatted(*ends, "%Y-%m-%d"), counted(days, "day"));
            sheet.toned(&words, if days < SOON { Tone::Notable } else { Tone::Plain });
        }
        if let Some(error) = error {
            sheet.toned(error, Tone::Bad);
        }
    }
    Some(sheet.text())
}

/// Whether a name of a certificate is that of a host: itself, or with `*` for its first label.
fn covers(name: &str, host: &str) -> bool {
    name.eq_ignore_ascii_case(host)
        || name
            .strip_prefix("*.")
            .zip(host.split_once('.'))
            .is_some_and(|(rest, (_, domain))| rest.eq_ignore_ascii_case(domain))
}

#[cfg(test)]
#[test]
fn a_wildcard_stands_for_one_label() {
    let pairs = [
        ("www.example.net", "WWW.example.net", true),
        ("*.example.net", "www.example.net", true),
        ("*.example.net", "a.www.example.net", false),
        ("*.example.net", "example.net", false),
        ("example.net", "www.example.net", false),
    ];
    for (name, host, expected) in pairs {
        assert_eq!(covers(name, host), expected, "{name} {host}");
    }
}
