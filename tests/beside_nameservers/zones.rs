//! Random zones that all four servers load: whatever is legal at a name, in places where servers have to think.

use std::fmt::Write;

use fastrand::Rng;

use crate::names::Name;

/// Few labels, so that names meet; some that need an escape, some that differ by case alone.
pub const LABELS: [&[u8]; 9] = [b"a", b"b", b"c", b"*", b"A", b"x.y", b"_s", b"\0", b"ns"];

#[derive(Debug, Clone)]
pub struct Record {
    pub owner: Name,
    pub rtype: &'static str,
    pub data: String,
}

#[derive(Debug, Clone)]
pub struct Zone {
    pub apex: Name,
    /// Without these no server loads it.
    pub base: Vec<Record>,
    pub records: Vec<Record>,
}

/// Zones that know of each other: one, its child beside it, one elsewhere.
#[derive(Debug, Clone)]
pub struct Family {
    pub seed: u64,
    pub zones: Vec<Zone>,
}

impl Zone {
    pub fn text(&self) -> String {
        self.text_of(|_| true)
    }

    /// Without the data below DNAMEs, be they of another zone of the family, which NSD and Knot take for an error. Nobody ever sees
    /// it (RFC 6672, 2.4).
    pub fn text_without_hidden(&self, family: &Family) -> String {
        let records = family.zones.iter().flat_map(|zone| &zone.records);
        let dnames: Vec<&Name> = records.filter(|record| record.rtype == "DNAME").map(|record| &record.owner).collect();
        self.text_of(|owner| dnames.iter().all(|dname| owner.0.len() <= dname.0.len() || !owner.is_within(dname)))
    }

    fn text_of(&self, with: impl Fn(&Name) -> bool) -> String {
        let mut text = String::new();
        for Record { owner, rtype, data } in self.base.iter().chain(&self.records).filter(|record| with(&record.owner))
        {
            // One TTL for each type: sets with several are repaired in different ways.
            let ttl = 100 + rtype.bytes().map(u32::from).sum::<u32>();
            writeln!(text, "{owner} {ttl} IN {rtype} {data}").unwrap();
        }
        text
    }

    fn has(&self, owner: &Name, types: &[&str]) -> bool {
        let all = self.base.iter().chain(&self.records);
        all.into_iter().any(|record| record.owner.lower() == owner.lower() && types.contains(&record.rtype))
    }

    fn has_other(&self, owner: &Name, types: &[&str]) -> bool {
        let all = self.base.iter().chain(&self.records);
        all.into_iter().any(|record| record.owner.lower() == owner.lower() && !types.contains(&record.rtype))
    }

    /// Adds a record unless servers differ on whether it may stand there.
    fn add(&mut self, owner: Name, rtype: &'static str, data: String) {
        let is_apex = owner.lower() == self.apex.lower();
        let legal = match rtype {
            "CNAME" => !is_apex && !self.has_other(&owner, &[]),
            "DNAME" => {
                !owner.is_wildcard()
                    && !self.has(&owner, &["CNAME", "DNAME"])
                    && (is_apex || !self.has(&owner, &["NS"]))
            }
            "NS" => !owner.is_wildcard() && !self.has(&owner, &["CNAME"]) && (is_apex || !self.has(&owner, &["DNAME"])),
            "DS" => self.has(&owner, &["NS"]) && !is_apex,
            _ => !self.has(&owner, &["CNAME"]),
        };
        if legal && owner.fits() {
            self.records.push(Record { owner, rtype, data });
        }
    }
}

impl Family {
    pub fn random(seed: u64) -> Family {
        let random = &mut Rng::with_seed(seed);
        let mut apexes = vec![Name::of(&format!("f{seed}.test"))];
        if random.u8(..3) == 0 {
            apexes.push(apexes[0].below(&[[b"a", b"b"][random.usize(..2)]]));
        }
        if random.u8(..3) == 0 {
            apexes.push(Name::of(&format!("g{seed}.test")));
        }
        let zones = (0..apexes.len()).map(|index| random_zone(random, &apexes, index)).collect();
        Family { seed, zones }
    }

    pub fn apexes(&self) -> impl Iterator<Item = &Name> {
        self.zones.iter().map(|zone| &zone.apex)
    }
}

fn random_zone(random: &mut Rng, apexes: &[Name], index: usize) -> Zone {
    let apex = apexes[index].clone();
    let mut zone = Zone { apex: apex.clone(), base: Vec::new(), records: Vec::new() };
    let minimum = random.u32(1..600);
    let mut base = |rtype, data| zone.base.push(Record { owner: apex.clone(), rtype, data });
    base(
        "SOA",
        format!("ns.elsewhere.example. root.elsewhere.example. {} 7200 3600 1209600 {minimum}", random.u32(1..99)),
    );
    let inside = random.bool();
    if inside {
        let server = apex.below(&[b"ns"]);
        base("NS", server.to_string());
        zone.base.push(Record { owner: server, rtype: "A", data: "192.0.2.53".into() });
    } else {
        base("NS", "ns.elsewhere.example.".into());
    }
    for _ in 0..random.usize(1..16) {
        let owner = random_owner(random, &apex);
        add_random(random, &mut zone, apexes, owner, inside);
    }
    zone
}

fn random_owner(random: &mut Rng, apex: &Name) -> Name {
    let depth = if random.u8(..12) == 0 { 0 } else { random.usize(1..5) };
    random_below(random, apex, depth)
}

pub fn random_below(random: &mut Rng, apex: &Name, depth: usize) -> Name {
    // The first ones are the most common.
    let label = |random: &mut Rng| LABELS[random.usize(..LABELS.len()).min(random.usize(..LABELS.len()))];
    let labels: Vec<&[u8]> = (0..depth).map(|_| label(random)).collect();
    apex.below(&labels)
}

/// Where names in data lead: mostly to what may be there.
fn random_target(random: &mut Rng, apex: &Name, apexes: &[Name]) -> Name {
    let zone = match random.u8(..10) {
        0..=6 => apex,
        7 | 8 => &apexes[random.usize(..apexes.len())],
        _ => return random_below(random, &Name::of("elsewhere.example"), 1),
    };
    let depth = random.usize(..4);
    random_below(random, zone, depth)
}

fn add_random(random: &mut Rng, zone: &mut Zone, apexes: &[Name], owner: Name, inside: bool) {
    let target = random_target(random, &zone.apex.clone(), apexes);
    match random.u8(..24) {
        0..=3 => zone.add(owner, "A", format!("192.0.2.{}", random.u8(..))),
        4 => zone.add(owner, "AAAA", format!("2001:db8::{:x}", random.u16(..))),
        5 | 6 => add_texts(random, zone, &owner),
        7 => zone.add(owner, "MX", format!("{} {target}", random.u8(..))),
        8 => zone.add(owner, "SRV", format!("0 {} 80 {target}", random.u8(..))),
        9..=12 => zone.add(owner, "CNAME", target.to_string()),
        13..=15 if dname_may_stand(&owner, zone, apexes, inside) => zone.add(owner, "DNAME", target.to_string()),
        16..=19 if owner.lower() != zone.apex.lower() => add_delegation(random, zone, owner, &target),
        20 => zone.add(owner, "TYPE65280", format!("\\# 2 {:04x}", random.u16(..))),
        21 => zone.add(owner, "CAA", "0 issue \"ca.example\"".into()),
        22 => zone.add(owner, "HTTPS", format!("{} {target}", random.u8(1..9))),
        _ => zone.add(owner, "PTR", target.to_string()),
    }
}

/// Whether a DNAME hides only what NSD takes for hidden too: to it all zones' names are one tree. One at the apex would hide the zone's
/// nameserver if that is inside.
fn dname_may_stand(owner: &Name, zone: &Zone, apexes: &[Name], inside: bool) -> bool {
    let below = |apex: &Name| *apex != zone.apex && apex.is_within(&zone.apex);
    let touches_another = apexes.iter().any(|apex| below(apex) && (owner.is_within(apex) || apex.is_within(owner)));
    !touches_another && (!inside || *owner != zone.apex)
}

/// One text, or as many as do not fit into a datagram.
fn add_texts(random: &mut Rng, zone: &mut Zone, owner: &Name) {
    let (count, length) = [(1, 3), (1, 200), (3, 200), (6, 200), (40, 10)][random.usize(..5)];
    for n in 0..count {
        zone.add(owner.clone(), "TXT", format!("\"{n}{}\"", "t".repeat(length)));
    }
}

fn add_delegation(random: &mut Rng, zone: &mut Zone, cut: Name, target: &Name) {
    for _ in 0..random.usize(1..4) {
        let server = match random.u8(..4) {
            0 => target.clone(),
            1 => Name::of("ns.elsewhere.example"),
            _ => random_below(random, &cut, 1),
        };
        zone.add(cut.clone(), "NS", server.to_string());
        if server.is_within(&zone.apex) && random.u8(..4) > 0 {
            zone.add(server.clone(), "A", format!("198.51.100.{}", random.u8(..)));
        }
        if server.is_within(&zone.apex) && random.u8(..4) == 0 {
            zone.add(server, "AAAA", format!("2001:db8:1::{:x}", random.u16(..)));
        }
    }
    if random.bool() {
        zone.add(cut.clone(), "DS", "1 13 2 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f".into());
    }
}
