//! All of one thing (pure): a service, a backend, a daemon, a host, a pool, a member, a zone, and whatever else has the name.

mod certificates;
mod daemon;
mod pool;
mod service;
mod sheet;
mod zone;

use serde_json::{Value, json};

use super::agreement;
use super::columns::Columns;
use super::findings::Finding;
use super::names::Named;
use super::seen::Seen;
use super::{overview, services};
use sheet::Sheet;

/// Lines of so many columns at most.
pub(super) fn text(named: &Named, seen: &Seen, columns: Columns) -> String {
    let width = columns.all;
    let findings: Vec<&Finding> = named.findings(seen).collect();
    let mut parts: Vec<String> = Vec::new();
    if !findings.is_empty() {
        parts.push(overview::findings(&findings, columns));
    }
    let host = seen.fleet.as_ref().and_then(|fleet| fleet.host_lines(named.name()));
    parts.extend(host.map(|lines| {
        let mut sheet = Sheet::new(width);
        let mut lines = lines.into_iter();
        sheet.heading(&format!("host {}", named.name()), &lines.next().unwrap_or_default());
        lines.for_each(|line| sheet.line(&line));
        sheet.text()
    }));
    let daemons = seen.replies.iter().filter(|one| named.is(&one.name()));
    parts.extend(daemons.map(|one| daemon::text(one, width)));
    let all_answer = named.silent(seen).is_empty();
    for views in services::all(&seen.replies) {
        let is_whole =
            named.is(views.name) || views.by_proxy.iter().any(|(_, one)| one.hosts.iter().any(|host| named.is(host)));
        let extent = service::Extent { is_whole, all_answer };
        parts.extend(service::text(&views, |backend| is_whole || named.is_use(views.name, backend), extent, width));
        if is_whole {
            parts.extend(certificates::text(&views, &seen.replies, width));
        }
    }
    parts.extend(pool::all(&seen.replies).iter().filter_map(|views| pool::text(named, views, width)));
    parts.extend(zone::text(named, &seen.replies, width));
    let members = agreement::all(&seen.replies).filter(|views| views.has(|name| named.is(name)));
    parts.extend(members.map(|views| {
        let mut sheet = Sheet::new(width);
        sheet.heading(agreement::NAME, &views.in_short());
        format!("{}{}", sheet.text(), views.table(width))
    }));
    parts.join("\n")
}

/// What each daemon says of it.
pub(super) fn json(named: &Named, seen: &Seen) -> Value {
    let findings: Vec<&Finding> = named.findings(seen).collect();
    let mut about: Vec<Value> = Vec::new();
    let mut add = |kind: &str, name: &str, daemon: &str, status: Value| {
        about.push(json!({ "kind": kind, "name": name, "daemon": daemon, "status": status }));
    };
    for one in &seen.replies {
        let daemon = one.name();
        if named.is(&daemon) {
            let status =
                one.status().map_or_else(|| json!({ "error": one.answer.as_ref().err() }), |status| json!(status));
            add("daemon", &daemon, &daemon, status);
        }
        for service in one.proxy().into_iter().flat_map(|status| &status.services) {
            if named.is(&service.name) || service.hosts.iter().any(|host| named.is(host)) {
                add("service", &service.name, &daemon, json!(service));
                continue;
            }
            for backend in service.backends.iter().filter(|backend| named.is_use(&service.name, &backend.name)) {
                add("backend", &format!("{}/{}", service.name, backend.name), &daemon, json!(backend));
            }
        }
        let Some(nameserver) = one.nameserver() else { continue };
        for pool in &nameserver.pools {
            if named.is(&pool.name) {
                add("pool", &pool.name, &daemon, json!(pool));
                continue;
            }
            for member in pool.members.iter().filter(|member| named.is_use(&pool.name, &member.name)) {
                add("member", &format!("{}/{}", pool.name, member.name), &daemon, json!(member));
            }
        }
        for zone in nameserver.zones.iter().filter(|zone| named.is(&zone.name)) {
            add("zone", &zone.name, &daemon, json!(zone));
        }
        for zone in nameserver.failed_zones.iter().filter(|zone| named.is(&zone.name)) {
            add("zone", &zone.name, &daemon, json!(zone));
        }
    }
    for view in agreement::all(&seen.replies).iter().flat_map(|views| &views.members) {
        if named.is(agreement::NAME) || named.is(view.member.label()) {
            about.push(view.json());
        }
    }
    if let Some(host) = seen.fleet.as_ref().and_then(|fleet| fleet.host_json(named.name())) {
        about.push(json!({ "kind": "host", "name": named.name(), "status": host }));
    }
    json!({ "well": named.is_well(seen), "findings": findings, "about": about })
}
