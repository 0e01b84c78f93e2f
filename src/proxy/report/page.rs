//! The page for a browser: `GET /` of the admin API. Plain HTML, no script, everything escaped.

use std::fmt::Write;

use crate::api::proxy::{ServiceStatus, Status};
use crate::printable::html as escape;

const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width\"><meta http-equiv=\"refresh\" content=\"5\"><style>\
body{font:15px/1.4 system-ui,sans-serif;margin:2em;max-width:70em}table{border-collapse:collapse;margin:.5em 0 1.5em}\
td,th{text-align:left;padding:.2em .8em;border-bottom:1px solid #ccc}.bad{color:#a00}</style>";

/// Renders a status.
pub fn page(status: &Status) -> String {
    let mut out = String::from(HEAD);
    let name = escape(&status.daemon.name);
    let _ = write!(out, "<title>polder-proxy {name}</title></head><body><h1>polder-proxy {name}</h1>");
    let ready = if status.daemon.ready { "ready" } else { "<b class=\"bad\">not ready</b>" };
    let _ = write!(
        out,
        "<p>{ready}; generation {}; {} connections, {} requests; version {}, up {} s</p>",
        status.daemon.generation,
        status.connections,
        status.requests,
        escape(&status.daemon.version),
        status.daemon.uptime_s
    );
    for alarm in &status.daemon.alarms {
        let _ = write!(out, "<p class=\"bad\">{}</p>", escape(alarm));
    }
    status.services.iter().for_each(|service| of_service(&mut out, service));
    if !status.certificates.is_empty() {
        out.push_str("<h2>certificates</h2><table><tr><th>file<th>hosts<th>ends<th>renewed<th>trouble</tr>");
        for certificate in &status.certificates {
            let order = certificate.acme.as_ref();
            let _ = write!(
                out,
                "<tr><td>{}<td>{}<td>{}<td>{}<td class=\"bad\">{}</tr>",
                escape(&certificate.file),
                escape(&certificate.hosts.join(", ")),
                certificate.ends.map_or_else(|| "-".to_owned(), day),
                order.and_then(|order| order.renewal).map_or_else(|| "-".to_owned(), day),
                escape(
                    certificate.error.as_deref().or(order.and_then(|order| order.error.as_deref())).unwrap_or_default()
                )
            );
        }
        out.push_str("</table>");
    }
    if !status.daemon.peers.is_empty() {
        out.push_str("<h2>peers</h2><table><tr><th>peer<th>error<th>latches that differ</tr>");
        for peer in &status.daemon.peers {
            let error = escape(peer.error.as_deref().unwrap_or("none"));
            let _ =
                write!(out, "<tr><td>{}<td>{error}<td>{}</tr>", escape(&peer.name), escape(&peer.differs.join(", ")));
        }
        out.push_str("</table>");
    }
    out.push_str("</body></html>\n");
    out
}

/// `2026-11-28`.
fn day(unix_ms: u64) -> String {
    let moment = i64::try_from(unix_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    moment.unwrap_or_default().strftime("%Y-%m-%d").to_string()
}

fn of_service(out: &mut String, service: &ServiceStatus) {
    let (name, hosts) = (escape(&service.name), escape(&service.hosts.join(", ")));
    let _ = write!(out, "<h2>{name}</h2><p>{}; {hosts}", escape(&service.mode));
    if let Some(latch) = &service.latch {
        let active = escape(latch.active.as_deref().unwrap_or("nobody (undecided)"));
        let _ = write!(out, "; active: <b>{active}</b>, epoch {}: {}", latch.epoch, escape(&latch.reason));
    }
    if let Some(target) = &service.target {
        let _ = write!(out, "; {}</p>", escape(target));
        return;
    }
    out.push_str("</p><table><tr><th>backend<th>address<th>checks<th>operator<th>running<th>requests</tr>");
    for backend in &service.backends {
        let _ = write!(
            out,
            "<tr><td>{}{}<td>{}<td>{} ({})<td>{}<td>{}<td>{}</tr>",
            escape(&backend.name),
            if backend.backup { " (backup)" } else { "" },
            escape(&backend.address),
            backend.check,
            escape(&backend.check_reason),
            backend.operator,
            backend.running,
            backend.requests
        );
    }
    out.push_str("</table>");
}
