//! A random zone that changes.

use std::fmt::Write;

use fastrand::Rng;

pub struct Zone {
    pub serial: u32,
    /// Refresh, retry, expire and minimum.
    pub times: &'static str,
    records: Vec<String>,
    made: usize,
}

impl Zone {
    /// With so many records besides SOA and NS.
    pub fn random(rng: &mut Rng, count: usize) -> Zone {
        let mut zone = Zone { serial: rng.u32(1..u32::MAX), times: "3600 600 86400 300", records: Vec::new(), made: 0 };
        for _ in 0..count {
            zone.add(rng);
        }
        zone
    }

    /// Some records go, others come, and the serial grows, perhaps beyond its last number (RFC 1982).
    pub fn change(&mut self, rng: &mut Rng) {
        for _ in 0..rng.usize(0..10).min(self.records.len()) {
            self.records.swap_remove(rng.usize(..self.records.len()));
        }
        for _ in 0..rng.usize(0..10) {
            self.add(rng);
        }
        let step = if rng.u8(..4) == 0 { rng.u32(1..1 << 30) } else { 1 };
        // 0 is a serial that some programs take for none.
        self.serial = self.serial.wrapping_add(step).max(1);
    }

    fn add(&mut self, rng: &mut Rng) {
        self.made += 1;
        let n = self.made;
        let (a, b) = (rng.u8(..), rng.u8(..));
        self.records.push(match rng.u8(..8) {
            0 => format!("h{n} {} A 192.0.{a}.{b}", rng.u32(..86400)),
            1 => format!("h{n} AAAA 2001:db8::{a:x}:{b:x}"),
            2 => format!("m{n} MX {a} h{b}"),
            3 => format!("t{n} TXT \"{}\" \"{n}\"", "x".repeat(a.into())),
            4 => format!("c{n} CNAME h{a}.other"),
            5 => format!("s{n} SRV {a} {b} 443 h{n}.Mixed.Case"),
            6 => format!("sub{n} NS ns.sub{n}\nns.sub{n} A 192.0.2.{b}\nbelow.sub{n} TXT hidden"),
            _ => format!("w{n} HTTPS 1 . alpn=h2 port={n}"),
        });
    }

    pub fn text(&self) -> String {
        let mut text = format!(
            "$ORIGIN example.net.\n$TTL 300\n@ SOA ns hostmaster {} {}\n@ NS ns\nns A 192.0.2.53\n",
            self.serial, self.times
        );
        for record in &self.records {
            writeln!(text, "{record}").unwrap();
        }
        text
    }
}
