//! How much each server gets: `maxconn`, `slowstart`, and how long requests queue (configuration manual, 4.2 and 5.2). Pure.

use std::time::Duration;

use super::super::bounds::within;
use super::super::note::Notes;
use super::super::tree::{Table, Tree};
use super::super::vet::vet;
use super::server::Server;
use super::times;

/// How long a request may queue, as a document may say it.
const QUEUE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(3600));
/// In which time a backend gets its whole share.
const SLOW_START: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3600));

/// Adds them to the keys of a service whose backends are these servers; `queue` is `timeout queue`.
pub fn put(servers: &[Server], queue: Option<Duration>, settings: &mut Table, notes: &mut Notes) {
    let limit = |server: &Server| server.parameters.get("maxconn")?.parse::<u64>().ok().filter(|limit| *limit > 0);
    if let Some(first) = servers.iter().find(|server| limit(server).is_some()) {
        let mut limited = settings.clone();
        let backends =
            settings.get("backends").map_or(&[][..], Tree::list).iter().zip(servers).map(|(backend, server)| {
                let mut backend = backend.table().cloned().unwrap_or_default();
                backend.set_some("max_connections", limit(server));
                backend.into()
            });
        limited.set("backends", backends.collect::<Vec<Tree>>());
        if let Some(queue) = queue {
            limited.set("queue_timeout", within(queue, QUEUE.0, QUEUE.1).0);
        }
        take(limited, settings, first, "maxconn", notes);
    }
    let slow = |server: &Server| server.parameters.get("slowstart").and_then(times::parse);
    if let Some((server, time)) = servers.iter().find_map(|server| Some((server, slow(server)?))) {
        let slowed = settings.clone().with("slow_start", within(time, SLOW_START.0, SLOW_START.1).0);
        take(slowed, settings, server, "slowstart", notes);
    }
}

fn take(with: Table, settings: &mut Table, server: &Server, what: &str, notes: &mut Notes) {
    match vet(&with) {
        Ok(()) => *settings = with,
        Err(why) => notes.left_out(server.line, &server.statement, format!("{what}: {why}")),
    }
}
