//! Prometheus text (exposition format 0.0.4), and the metrics that both daemons have.
//!
//! Names are `polder_`, the subject, what is counted, the unit; the same thing has the same name in both daemons, and every
//! sample has the label `daemon`. docs/metrics.md lists them.

use std::fmt::Write;
use std::time::Duration;

use super::VERSION;
use super::lifecycle::Figures;
use crate::api::daemon::Daemon;

/// The content type of a page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4";

/// A page of metrics under construction.
#[derive(Debug)]
pub struct Page {
    text: String,
    daemon: Daemon,
}

impl Page {
    /// An empty page of this daemon.
    pub fn new(daemon: Daemon) -> Page {
        Page { text: String::new(), daemon }
    }

    /// Begins a counter, whose name ends with `_total`.
    pub fn counter(&mut self, name: &'static str, help: &str) -> Metric<'_> {
        self.begin(name, "counter", help)
    }

    /// Begins a gauge.
    pub fn gauge(&mut self, name: &'static str, help: &str) -> Metric<'_> {
        self.begin(name, "gauge", help)
    }

    /// The page's text.
    pub fn finish(self) -> String {
        self.text
    }

    fn begin(&mut self, name: &'static str, kind: &str, help: &str) -> Metric<'_> {
        self.text.push_str(&format!("# HELP {name} "));
        self.escaped(help, false);
        self.text.push_str(&format!("\n# TYPE {name} {kind}\n"));
        Metric { page: self, name }
    }

    fn escaped(&mut self, value: &str, quoted: bool) {
        for letter in value.chars() {
            match letter {
                '\\' => self.text.push_str("\\\\"),
                '"' if quoted => self.text.push_str("\\\""),
                '\n' => self.text.push_str("\\n"),
                other => self.text.push(other),
            }
        }
    }
}

/// A metric whose samples are being written.
pub struct Metric<'p> {
    page: &'p mut Page,
    name: &'static str,
}

impl Metric<'_> {
    /// A sample with these labels beside `daemon`.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: u64) {
        let daemon = ("daemon", self.page.daemon.name());
        self.page.text.push_str(self.name);
        for (index, (label, value)) in std::iter::once(&daemon).chain(labels).enumerate() {
            self.page.text.push(if index == 0 { '{' } else { ',' });
            self.page.text.push_str(label);
            self.page.text.push_str("=\"");
            self.page.escaped(value, true);
            self.page.text.push('"');
        }
        writeln!(self.page.text, "}} {value}").expect("writing to a String cannot fail");
    }

    /// A sample that is 1 if so and 0 if not.
    pub fn flag(&mut self, labels: &[(&str, &str)], value: bool) {
        self.sample(labels, value.into());
    }
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
    pub fn write(&self, page: &mut Page) {
        page.gauge("polder_build_info", "Always 1; the label is the daemon's version.")
            .sample(&[("version", VERSION)], 1);
        page.gauge("polder_uptime_seconds", "Time since the process started.").sample(&[], self.uptime.as_secs());
        page.gauge("polder_ready", "1 if the daemon has checked its targets and serves.").flag(&[], self.ready);
        page.gauge("polder_snapshot_generation", "Number of the snapshot that answers now.")
            .sample(&[], self.generation);
        page.gauge("polder_alarms", "Alarms that polder status shows.").sample(&[], self.alarms as u64);
        page.gauge("polder_state_unwritten", "1 if a change of state is in memory and not on disk.")
            .flag(&[], self.state_unwritten || self.shell.health_unwritten.is_some());
        page.counter(
            "polder_events_lost_total",
            "Events that are in memory alone, or nowhere after a restart: the disk did not take them.",
        )
        .sample(&[], self.shell.events.lost);
        let mut reloads = page.counter("polder_reloads_total", "Reloads, by result.");
        reloads.sample(&[("result", "ok")], self.shell.reloads);
        reloads.sample(&[("result", "failed")], self.shell.reloads_refused);
        let mut reachable = page.gauge("polder_peer_reachable", "1 if the last exchange with this peer succeeded.");
        for (peer, health) in &self.shell.peers {
            reachable.flag(&[("peer", peer)], health.error.is_none());
        }
        let rejected = "Values in this peer's messages that were rejected as beyond the limits.";
        let mut metric = page.counter("polder_peer_values_rejected_total", rejected);
        for (peer, total) in &self.rejected {
            metric.sample(&[("peer", peer)], *total);
        }
    }
}

#[cfg(test)]
mod tests;
