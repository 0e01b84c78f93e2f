//! The metrics that both daemons have.

use std::time::Duration;

use super::Scrape;
use super::exposition::Page;
use super::family::families;
use crate::daemon::VERSION;
use crate::daemon::lifecycle::Figures;

families! {
    /// Those of both daemons.
    FAMILIES:
    BUILD_INFO = Info "polder_build_info" ["version"] "Always 1; the label is the daemon's version.";
    UPTIME = Gauge "polder_uptime_seconds" [] "Time since the process started.";
    READY = Gauge "polder_ready" [] "1 if the daemon has checked its targets and serves.";
    GENERATION = Gauge "polder_snapshot_generation" [] "Number of the snapshot that answers now.";
    ALARMS = Gauge "polder_alarms" [] "Alarms that `polder status` shows.";
    STATE_UNWRITTEN = Gauge "polder_state_unwritten" [] "1 if a change of state is in memory and not on disk.";
    EVENTS_LOST = Counter "polder_events_lost_total" [] "Events that are in memory alone, or nowhere after a restart: the disk did not take them.";
    RELOADS = Counter "polder_reloads_total" ["result" "`ok`, `failed`"] "Reloads; a failed one has changed nothing.";
    PEER_REACHABLE = Gauge "polder_peer_reachable" ["peer"] "1 if the last exchange with this peer succeeded.";
    PEER_VALUES_REJECTED = Counter "polder_peer_values_rejected_total" ["peer"] "Values in this peer's messages that were rejected as beyond the [limits](push.md).";
    CPU = Counter "process_cpu_seconds_total" [] "CPU time that the process has had.";
    VIRTUAL_MEMORY = Gauge "process_virtual_memory_bytes" [] "Memory that the process has addresses for.";
    RESIDENT_MEMORY = Gauge "process_resident_memory_bytes" [] "Memory of the process that is in memory.";
    OPEN_FILES = Gauge "process_open_fds" [] "File descriptors that are open.";
    MOST_OPEN_FILES = Gauge "process_max_fds" [] "File descriptors that may be open.";
    STARTED = Gauge "process_start_time_seconds" [] "When the process started, in seconds since 1970.";
}

/// What both daemons report of themselves.
pub struct Common<'a> {
    /// Since the process started.
    pub uptime: Duration,
    /// The number of the snapshot in force.
    pub generation: u64,
    /// It has checked its targets and serves.
    pub ready: bool,
    /// How many alarms `status` shows.
    pub alarms: usize,
    /// A change of its control state is in memory and not on disk.
    pub state_unwritten: bool,
    /// Reloads, peers and health on disk.
    pub shell: &'a Figures,
    /// By peer, how many of its values were rejected.
    pub rejected: Vec<(&'a str, u64)>,
}

impl Common<'_> {
    /// Writes them.
    pub fn write(&self, page: &mut Page, scrape: &Scrape) {
        page.metric(BUILD_INFO).sample(&[("version", VERSION)], 1_u64);
        page.metric(UPTIME).sample(&[], self.uptime.as_secs());
        page.metric(READY).flag(&[], self.ready);
        page.metric(GENERATION).sample(&[], self.generation);
        page.metric(ALARMS).sample(&[], self.alarms as u64);
        page.metric(STATE_UNWRITTEN).flag(&[], self.state_unwritten || self.shell.health_unwritten.is_some());
        page.metric(EVENTS_LOST).sample(&[], self.shell.events.lost);
        let mut reloads = page.metric(RELOADS);
        reloads.sample(&[("result", "ok")], self.shell.reloads);
        reloads.sample(&[("result", "failed")], self.shell.reloads_refused);
        let mut reachable = page.metric(PEER_REACHABLE);
        for (peer, health) in &self.shell.peers {
            reachable.flag(&[("peer", peer)], health.error.is_none());
        }
        let mut rejected = page.metric(PEER_VALUES_REJECTED);
        for (peer, total) in &self.rejected {
            rejected.sample(&[("peer", peer)], *total);
        }
        let process = &scrape.process;
        page.metric(CPU).sample(&[], process.cpu);
        page.metric(VIRTUAL_MEMORY).sample(&[], process.virtual_memory);
        page.metric(RESIDENT_MEMORY).sample(&[], process.resident_memory);
        page.metric(OPEN_FILES).sample(&[], process.open_files);
        page.metric(MOST_OPEN_FILES).sample(&[], process.most_open_files);
        page.metric(STARTED).sample(&[], process.started);
    }
}
