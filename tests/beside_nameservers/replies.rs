//! Responses, read by a decoder of their own: names expanded and in lower case, records in words, sections as sets.

use std::collections::BTreeSet;
use std::fmt;

/// What a server does with a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Silence,
    Malformed(Vec<u8>),
    Message(Box<Message>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub rcode: u16,
    /// The second line of the header without the error code.
    pub flags: u16,
    pub question: Vec<u8>,
    pub answers: BTreeSet<String>,
    pub authorities: BTreeSet<String>,
    pub additionals: BTreeSet<String>,
    /// A record stands twice in one section.
    pub doubled: bool,
    /// Version and flags.
    pub edns: Option<(u8, u16)>,
    pub length: usize,
}

impl Message {
    pub fn authoritative(&self) -> bool {
        self.flags & 0x0400 != 0
    }

    pub fn truncated(&self) -> bool {
        self.flags & 0x0200 != 0
    }

    pub fn is_referral(&self) -> bool {
        self.rcode == 0 && self.answers.is_empty() && self.authorities.iter().any(|record| record.contains(" type 2 "))
    }
}

impl Reply {
    pub fn read(bytes: &[u8]) -> Reply {
        let reader = Reader { bytes, at: 0 };
        match reader.message() {
            Some(message) => Reply::Message(Box::new(message)),
            None => Reply::Malformed(bytes.to_vec()),
        }
    }

    pub fn message(&self) -> Option<&Message> {
        match self {
            Reply::Message(message) => Some(message),
            _ => None,
        }
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Reader<'_> {
    fn message(mut self) -> Option<Message> {
        self.number()?;
        let flags = self.number()?;
        let counts = [self.number()?, self.number()?, self.number()?, self.number()?];
        let from = self.at;
        for _ in 0..counts[0] {
            self.name()?;
            self.at += 4;
        }
        let mut message = Message {
            rcode: flags & 0xf,
            flags: flags & !0xf,
            question: self.bytes.get(from..self.at)?.to_vec(),
            answers: BTreeSet::new(),
            authorities: BTreeSet::new(),
            additionals: BTreeSet::new(),
            doubled: false,
            edns: None,
            length: self.bytes.len(),
        };
        for (section, count) in counts[1..].iter().enumerate() {
            for _ in 0..*count {
                self.record(&mut message, section)?;
            }
        }
        (self.at == self.bytes.len()).then_some(message)
    }

    fn record(&mut self, message: &mut Message, section: usize) -> Option<()> {
        let owner = self.name()?;
        let (rtype, class) = (self.number()?, self.number()?);
        let (high, low) = (self.number()?, self.number()?);
        if rtype == 41 && section == 2 && owner == "." && message.edns.is_none() {
            message.rcode |= (high >> 8) << 4;
            message.edns = Some((high as u8, low));
            let length = self.number()? as usize;
            self.at += length;
            return (self.at <= self.bytes.len()).then_some(());
        }
        let ttl = u32::from(high) << 16 | u32::from(low);
        let data = self.data(rtype)?;
        let set =
            [&mut message.answers, &mut message.authorities, &mut message.additionals].into_iter().nth(section)?;
        message.doubled |= !set.insert(format!("{owner} {ttl} class {class} type {rtype} {data}"));
        Some(())
    }

    /// The data in words: bytes before its names, its names, the rest.
    fn data(&mut self, rtype: u16) -> Option<String> {
        let length = self.number()? as usize;
        let end = self.at + length;
        let (prefix, names) = match rtype {
            2 | 5 | 12 | 39 => (0, 1),
            6 | 17 => (0, 2),
            15 | 18 | 36 => (2, 1),
            33 => (6, 1),
            _ => (length, 0),
        };
        let mut data = hex(self.bytes.get(self.at..self.at + prefix)?);
        self.at += prefix;
        for _ in 0..names {
            data.push_str(&self.name()?);
            data.push(' ');
        }
        data.push_str(&hex(self.bytes.get(self.at..end)?));
        self.at = end;
        Some(data)
    }

    fn name(&mut self) -> Option<String> {
        let mut labels = crate::names::Name(Vec::new());
        let (mut at, mut end) = (self.at, None);
        loop {
            let length = *self.bytes.get(at)? as usize;
            match length {
                0 => {
                    self.at = end.unwrap_or(at + 1);
                    return labels.fits().then(|| labels.to_string());
                }
                1..=63 => {
                    labels.0.push(self.bytes.get(at + 1..=at + length)?.to_ascii_lowercase());
                    at += length + 1;
                }
                0xc0.. => {
                    let to = (length & 0x3f) << 8 | *self.bytes.get(at + 1)? as usize;
                    end = end.or(Some(at + 2));
                    // A pointer leads to what came before.
                    at = Some(to).filter(|to| *to < at)?;
                }
                _ => return None,
            }
        }
    }

    fn number(&mut self) -> Option<u16> {
        let bytes = self.bytes.get(self.at..self.at + 2)?;
        self.at += 2;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for Reply {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = match self {
            Reply::Silence => return to.write_str("    no answer\n"),
            Reply::Malformed(bytes) => return writeln!(to, "    malformed: {bytes:02x?}"),
            Reply::Message(message) => message,
        };
        let named = [
            (0x0400, "aa"),
            (0x0200, "tc"),
            (0x0100, "rd"),
            (0x0080, "ra"),
            (0x0040, "z"),
            (0x0020, "ad"),
            (0x0010, "cd"),
        ];
        let flags: Vec<&str> =
            named.iter().filter(|(bit, _)| message.flags & bit != 0).map(|(_, name)| *name).collect();
        write!(to, "    rcode {}, opcode {}, flags {}", message.rcode, message.flags >> 11 & 15, flags.join(" "))?;
        writeln!(to, ", edns {:?}, {} bytes, question {:02x?}", message.edns, message.length, message.question)?;
        let sections = [("an", &message.answers), ("ns", &message.authorities), ("ar", &message.additionals)];
        for (section, records) in sections {
            for record in records {
                let shown: String = record.chars().take(160).collect();
                writeln!(to, "    {section} {shown}")?;
            }
        }
        Ok(())
    }
}
