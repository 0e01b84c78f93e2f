//! What a large zone costs, at a start and after reloads.

use std::fmt::Write as _;

use crate::fleet::*;

const RECORDS: usize = 20_000;

/// In bytes; NSD 4.6 takes 450, of which half as much again would be allowed.
const MOST_A_RECORD: usize = 250;

/// What a reload may leave behind in the allocator, besides a tenth.
const ALLOWANCE: usize = 2 << 20;

/// Host names with addresses and now and then a mail server, in no order; `serial` changes a few of them.
fn records(serial: u32) -> String {
    let mut text = String::new();
    for n in (0..RECORDS as u32 / 2).map(|n| n * 7919 % (RECORDS as u32 / 2)) {
        let last = if n % 100 == 0 { serial } else { n % 250 };
        write!(text, "host-{n}.site{} A 10.1.{}.{last}\n AAAA 2001:db8::{n:x}\n", n % 99, n % 256).unwrap();
        if n % 20 == 0 {
            writeln!(text, " MX 10 mail.site{}", n % 99).unwrap();
        }
    }
    text
}

impl Daemon {
    /// Bytes of memory of its own, files that are mapped left aside.
    fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.status().daemon.pid)).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }

    /// Waits until copies of zones are written and every thread has let go of old zones.
    fn wait_memory(&self, what: &str, most: usize) -> usize {
        wait_for(&format!("{what} to take at most {most} bytes; now {}", self.memory()), || {
            Some(self.memory()).filter(|memory| *memory <= most)
        })
    }
}

#[test]
fn a_large_zone_takes_few_bytes_a_record_and_no_more_after_twenty_reloads() {
    let members = Members::start(1);
    let small = Daemon::start(&members).memory();
    let mut daemon = Daemon::prepare(&members);
    daemon.write_zone(1, &records(1));
    daemon.run();
    let start = daemon.wait_memory("a large zone at the start", small + RECORDS * MOST_A_RECORD);
    for serial in 2..=21 {
        daemon.write_zone(serial, &records(serial));
        daemon.reload().unwrap();
    }
    assert_eq!(daemon.addresses("host-100.site1.example.net"), ["10.1.100.21"]);
    daemon.wait_memory("the zone after twenty reloads", start + start / 10 + ALLOWANCE);
}
