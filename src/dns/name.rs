//! Domain names in wire format (RFC 1035, 3.1): a stack value for names under work, and the text form for people.
//!
//! Must never allocate on the way of a query: [`Name`] lives on the stack, and its suffixes are slices of it.

/// The longest name on the wire, root label included (RFC 1035, 2.3.4).
pub const MAX_NAME: usize = 255;

/// A whole name, lower-cased, with the start of each label, so that any ancestor is a slice.
#[derive(Clone, Copy)]
pub struct Name {
    bytes: [u8; MAX_NAME],
    length: u8,
    starts: [u8; 128],
    labels: u8,
}

impl Name {
    /// Reads the uncompressed name at `at` of a message. Gives it with the offset behind it; `None` where it is cut
    /// off, too long, or holds a pointer (nothing stands before a question that one could point at).
    pub fn read(message: &[u8], at: usize) -> Option<(Name, usize)> {
        let mut name = Name { bytes: [0; MAX_NAME], length: 0, starts: [0; 128], labels: 0 };
        let mut from = at;
        loop {
            let label = *message.get(from)? as usize;
            let start = from - at;
            if label > 63 || start + label + 1 > MAX_NAME {
                return None;
            }
            name.starts[name.labels as usize] = start as u8;
            if label == 0 {
                name.length = (start + 1) as u8;
                name.bytes[..=start].copy_from_slice(&message[at..=from]);
                name.bytes[..=start].make_ascii_lowercase();
                return Some((name, from + 1));
            }
            name.labels += 1;
            from += label + 1;
        }
    }

    /// A whole uncompressed name in wire format; `None` if it is not exactly one.
    pub fn from_wire(wire: &[u8]) -> Option<Name> {
        Name::read(wire, 0).filter(|(_, end)| *end == wire.len()).map(|(name, _)| name)
    }

    /// The wire format, lower case.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length as usize]
    }

    /// The number of labels, the root not counted.
    pub fn labels(&self) -> usize {
        self.labels as usize
    }

    /// Where label `label` begins; `labels()` gives the root.
    pub fn start(&self, label: usize) -> usize {
        self.starts[label] as usize
    }

    /// The ancestor that begins at label `label`: 0 is the name itself, `labels()` is the root.
    pub fn from_label(&self, label: usize) -> &[u8] {
        &self.as_bytes()[self.start(label)..]
    }

    /// The labels before `label`, then `target` (RFC 6672, 2.2). `None` if that is too long for a name.
    pub fn with_suffix(&self, label: usize, target: &[u8]) -> Option<Name> {
        let kept = self.start(label);
        let length = kept + target.len();
        if length > MAX_NAME {
            return None;
        }
        let mut bytes = [0; MAX_NAME];
        bytes[..kept].copy_from_slice(&self.bytes[..kept]);
        bytes[kept..length].copy_from_slice(target);
        Name::from_wire(&bytes[..length])
    }
}

/// Lower-cases a name in wire format. Label lengths are below 64 and so below every letter.
pub fn lower(wire: &[u8]) -> Box<[u8]> {
    wire.to_ascii_lowercase().into_boxed_slice()
}

/// The wire format of a name in text, lower case, with or without the final dot. Text from a document has no
/// escapes; `None` for an empty or too long label or name.
pub fn from_text(text: &str) -> Option<Box<[u8]>> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let mut wire = Vec::with_capacity(text.len() + 2);
    for label in text.split('.').filter(|_| !text.is_empty()) {
        if label.is_empty() || label.len() > 63 {
            return None;
        }
        wire.push(label.len() as u8);
        wire.extend_from_slice(label.to_ascii_lowercase().as_bytes());
    }
    wire.push(0);
    (wire.len() <= MAX_NAME).then(|| wire.into_boxed_slice())
}

/// The text of a name, without the final dot; the root is `.`. Bytes that are not printable come as `\DDD`
/// (RFC 1035, 5.1).
pub fn to_text(wire: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = wire;
    while let Some((&length, after)) = rest.split_first() {
        let Some((label, after)) = after.split_at_checked(length as usize).filter(|_| length > 0) else { break };
        if !text.is_empty() {
            text.push('.');
        }
        for &byte in label {
            match byte {
                b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => text.extend(['\\', byte as char]),
                0x21..=0x7e => text.push(byte as char),
                _ => text.push_str(&format!("\\{byte:03}")),
            }
        }
        rest = after;
    }
    if text.is_empty() { ".".into() } else { text }
}

#[cfg(test)]
mod tests;
