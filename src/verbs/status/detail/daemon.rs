//! A daemon: itself, its peers, what it serves.

use super::sheet::Sheet;
use crate::api::daemon::PeerStatus;
use crate::api::dns::{OtherZones, ZoneQueries};
use crate::api::status::Status;
use crate::counted::counted;
use crate::verbs::output::Tone;
use crate::verbs::replies::DaemonReply;
use crate::verbs::times::{ago, span};

pub(super) fn text(reply: &DaemonReply, width: usize) -> String {
    let mut sheet = Sheet::new(width);
    let role = reply.role().map_or("daemon", |role| role.name());
    let status = match &reply.answer {
        Ok(status) => status,
        Err(_) => {
            // Why is among the findings, above.
            sheet.heading(&format!("{role} {}", reply.name()), "no answer");
            sheet.line(&format!("admin socket {}", reply.endpoint.socket.display()));
            return sheet.text();
        }
    };
    let daemon = status.daemon();
    let state = match (daemon.draining, daemon.ready) {
        (true, _) => "stopping",
        (false, true) => "ready",
        (false, false) => "not ready",
    };
    let words = format!("{state}, polder {}, process {}, up for {}", daemon.version, daemon.pid, span(daemon.uptime_s));
    sheet.heading(&format!("{role} {}", daemon.name), &words);
    sheet.line(&format!("listens on {}", daemon.listeners.join(", ")));
    let reload = daemon.last_reload.as_deref().unwrap_or("none since its start");
    sheet.line(&format!("generation {}; last reload: {reload}", daemon.generation));
    for peer in &daemon.peers {
        let tone = if peer.error.is_some() || !peer.differs.is_empty() { Tone::Bad } else { Tone::Plain };
        sheet.toned(&about_peer(peer), tone);
    }
    sheet.line(&match status {
        Status::Proxy(status) => {
            let unusable: Vec<&str> =
                status.services.iter().filter(|one| !one.usable).map(|one| one.name.as_str()).collect();
            let unusable =
                if unusable.is_empty() { String::new() } else { format!("; 503 for {}", unusable.join(", ")) };
            format!("{}{unusable}", counted(status.services.len(), "service"))
        }
        Status::Nameserver(status) => {
            format!("{}, {}", counted(status.zones.len(), "zone"), counted(status.pools.len(), "pool"))
        }
    });
    let served = match status {
        Status::Proxy(status) => format!(
            "{} since its start, {} open",
            counted(status.requests, "request"),
            counted(status.connections, "connection")
        ),
        Status::Nameserver(status) => format!("{} since its start", counted(status.queries, "query")),
    };
    sheet.toned(&served, Tone::Faint);
    if let Status::Nameserver(status) = status {
        if let Some(dnstap) = &status.dnstap {
            sheet.line(&format!("dnstap {}", dnstap.in_words()));
        }
        if let Some(OtherZones { zones, queries }) = &status.other_zones {
            let words = format!("of {} that are counted together: {}", counted(*zones, "zone"), queries.in_words());
            sheet.toned(&words, Tone::Faint);
        }
        if let Some(queries) = status.no_zone.filter(|queries| *queries != ZoneQueries::default()) {
            sheet.toned(&format!("of names in no zone here: {}", queries.in_words()), Tone::Faint);
        }
    }
    sheet.text()
}

fn about_peer(peer: &PeerStatus) -> String {
    let heard = peer.heard.map_or_else(|| "never heard".to_owned(), |heard| format!("heard {} ago", ago(heard)));
    let error = peer.error.as_ref().map(|error| {
        // It names the peer, with its address.
        let at = error.strip_prefix(&*peer.name).map_or(&**error, str::trim_start);
        format!("; {at}")
    });
    let error = error.unwrap_or_default();
    let differs = match peer.differs.is_empty() {
        true => String::new(),
        false => format!("; its latch differs for {}", peer.differs.join(", ")),
    };
    format!("peer {}: {heard}{error}{differs}", peer.name)
}
