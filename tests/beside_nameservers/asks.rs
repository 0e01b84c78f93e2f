//! Random queries: mostly what resolvers ask, at and around the names of a family, and some of what nobody should.

use std::fmt;

use fastrand::Rng;

use crate::names::Name;
use crate::zones::{Family, random_below};

pub const RD: u16 = 0x0100;

pub const TYPES: [u16; 34] = [
    1, 1, 1, 28, 16, 16, 2, 2, 5, 5, 6, 12, 15, 33, 39, 39, 43, 43, 46, 47, 48, 50, 51, 65, 65280, 255, 255, 257, 99,
    0, 252, 251, 41, 249,
];

#[derive(Debug, Clone, PartialEq)]
pub struct Edns {
    pub size: u16,
    pub version: u8,
    /// The DO bit and those without a meaning.
    pub flags: u16,
    pub options: Vec<u8>,
    /// More than one is an error.
    pub count: u16,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    pub name: Name,
    pub qtype: u16,
    pub qclass: u16,
    pub opcode: u16,
    /// The second line of the header, as it is; QR and the opcode are not in it.
    pub flags: u16,
    /// How often the question stands there.
    pub questions: u16,
    pub edns: Option<Edns>,
    pub tcp: bool,
    /// Bytes behind the message.
    pub tail: usize,
}

impl Ask {
    pub fn plain(name: Name, qtype: u16) -> Ask {
        Ask { name, qtype, qclass: 1, opcode: 0, flags: 0, questions: 1, edns: None, tcp: false, tail: 0 }
    }

    /// The longest answer over UDP.
    pub fn most_bytes(&self) -> usize {
        self.edns.as_ref().map_or(512, |edns| edns.size.max(512).into())
    }

    /// An ordinary query: one question of class IN, well-formed.
    pub fn is_ordinary(&self) -> bool {
        self.opcode == 0
            && self.qclass == 1
            && self.questions == 1
            && self.tail == 0
            && self.flags & !0x0130 == 0
            && self.edns.as_ref().is_none_or(|edns| edns.version == 0 && edns.count == 1)
    }

    pub fn random(random: &mut Rng, family: &Family) -> Ask {
        let qtype = TYPES[random.usize(..TYPES.len())];
        let mut ask = Ask::plain(random_name(random, family), qtype);
        ask.tcp = random.u8(..3) == 0;
        if random.bool() {
            let size = [0, 512, 600, 1232, 1400, 4096, 65535][random.usize(..7)];
            let flags = if random.bool() { 0x8000 } else { 0 };
            ask.edns = Some(Edns { size, version: 0, flags, options: Vec::new(), count: 1 });
        }
        ask.flags = if random.bool() { RD } else { 0 };
        if random.u8(..8) == 0 {
            ask.twist(random);
        }
        ask
    }

    /// One thing that is unusual, or wrong.
    fn twist(&mut self, random: &mut Rng) {
        let edns = self.edns.get_or_insert(Edns { size: 1232, version: 0, flags: 0, options: Vec::new(), count: 1 });
        match random.u8(..9) {
            0 => self.qclass = [3, 4, 254, 255, 0, 7][random.usize(..6)],
            1 => self.opcode = random.u16(1..16),
            2 => self.flags = random.u16(..) & 0x07f0,
            3 => self.questions = [0, 2][random.usize(..2)],
            4 => edns.version = random.u8(1..),
            5 => edns.flags = random.u16(..),
            6 => edns.count = 2,
            7 => {
                edns.options = [&[0xff, 0xf0, 0, 2, 1, 2][..], &[0, 12, 0, 0], &[0, 3, 0, 0], &[0xff, 0xf0, 0, 9, 1]]
                    [random.usize(..4)]
                .into()
            }
            _ => self.tail = random.usize(1..5),
        }
    }

    pub fn wire(&self, id: u16) -> Vec<u8> {
        let opts = self.edns.as_ref().map_or(0, |edns| edns.count);
        let header = [id, self.flags | self.opcode << 11, self.questions, 0, 0, opts];
        let mut wire: Vec<u8> = header.iter().flat_map(|number| number.to_be_bytes()).collect();
        for _ in 0..self.questions {
            wire.extend_from_slice(&self.name.wire());
            wire.extend_from_slice(&self.qtype.to_be_bytes());
            wire.extend_from_slice(&self.qclass.to_be_bytes());
        }
        for edns in self.edns.iter().flat_map(|edns| (0..edns.count).map(move |_| edns)) {
            wire.extend_from_slice(&[0, 0, 41]);
            wire.extend_from_slice(&edns.size.to_be_bytes());
            wire.extend_from_slice(&[0, edns.version]);
            wire.extend_from_slice(&edns.flags.to_be_bytes());
            wire.extend_from_slice(&(edns.options.len() as u16).to_be_bytes());
            wire.extend_from_slice(&edns.options);
        }
        wire.extend(std::iter::repeat_n(0xee, self.tail));
        wire
    }

    /// Queries with one thing less that may fail alike.
    pub fn simpler(&self) -> Vec<Ask> {
        let mut all = vec![Ask::plain(self.name.clone(), self.qtype)];
        let mut with = |change: &dyn Fn(&mut Ask)| {
            let mut ask = self.clone();
            change(&mut ask);
            all.push(ask);
        };
        with(&|ask| ask.edns = None);
        with(&|ask| ask.flags = 0);
        with(&|ask| ask.tail = 0);
        with(&|ask| ask.tcp = false);
        with(&|ask| ask.name = ask.name.lower());
        with(&|ask| {
            if ask.name.0.len() > 2 {
                ask.name.0.remove(0);
            }
        });
        if let Some(edns) = &self.edns {
            with(&|ask| ask.edns = Some(Edns { flags: 0, ..edns.clone() }));
            with(&|ask| ask.edns = Some(Edns { options: Vec::new(), ..edns.clone() }));
        }
        all.retain(|ask| ask != self);
        all
    }
}

fn random_name(random: &mut Rng, family: &Family) -> Name {
    let zone = &family.zones[random.usize(..family.zones.len())];
    let owners: Vec<&Name> = zone.base.iter().chain(&zone.records).map(|record| &record.owner).collect();
    let owner = owners[random.usize(..owners.len())];
    let name = match random.u8(..16) {
        0..=6 => owner.clone(),
        7..=9 => {
            let depth = random.usize(1..3);
            random_below(random, owner, depth)
        }
        10 | 11 => {
            let depth = random.usize(..5);
            random_below(random, &zone.apex, depth)
        }
        12 => Name(owner.0[random.usize(..owner.0.len())..].to_vec()),
        // So long that a DNAME may make it too long.
        13 => owner.below(&[&[b'l'; 63], &[b'm'; 63], &[b'n'; 40]]),
        14 => Name::of(["elsewhere.example", "test", "", "x.y.z"][random.usize(..4)]),
        _ => mixed_case(random, owner),
    };
    if name.fits() { name } else { owner.clone() }
}

fn mixed_case(random: &mut Rng, name: &Name) -> Name {
    let flipped = |byte: &u8| if random.bool() { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
    let mut flipped = flipped;
    Name(name.0.iter().map(|label| label.iter().map(&mut flipped).collect()).collect())
}

impl fmt::Display for Ask {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} type {} class {}", self.name, self.qtype, self.qclass)?;
        write!(to, " over {}", if self.tcp { "TCP" } else { "UDP" })?;
        if let Some(edns) = &self.edns {
            write!(to, ", EDNS {} of {} bytes, flags {:#06x}", edns.version, edns.size, edns.flags)?;
            write!(to, ", options {:02x?}, {} times", edns.options, edns.count)?;
        }
        write!(to, ", opcode {}, flags {:#06x}, {} questions", self.opcode, self.flags, self.questions)?;
        write!(to, ", {} bytes behind it", self.tail)
    }
}
