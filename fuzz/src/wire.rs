//! A second, naive reader of DNS messages: whether one is whole (RFC 1035, 4.1).

/// What the walk through a message found.
#[derive(Debug)]
pub struct Walked {
    /// Where the question ends, if there is one.
    pub question_end: Option<usize>,
    /// The upper bits of the error code, of the OPT record (RFC 6891, 6.1.3).
    pub extended_rcode: u16,
}

/// Walks through all sections. An error says where a record is no record.
///
/// # Errors
///
/// Counts that do not agree with the records, names that end nowhere or point forward, bytes left over.
pub fn walk(message: &[u8]) -> Result<Walked, String> {
    let count = |at: usize| number(message, at).map(usize::from);
    let (questions, records) = (count(4)?, count(6)? + count(8)? + count(10)?);
    if questions > 1 {
        return Err(format!("{questions} questions"));
    }
    let mut at = 12;
    let mut walked = Walked { question_end: None, extended_rcode: 0 };
    if questions == 1 {
        at = name_end(message, at)? + 4;
        walked.question_end = Some(at);
    }
    for _ in 0..records {
        let fixed = name_end(message, at)?;
        if number(message, fixed)? == 41 {
            walked.extended_rcode = number(message, fixed + 4)? >> 8;
        }
        at = fixed + 10 + usize::from(number(message, fixed + 8)?);
    }
    if at == message.len() { Ok(walked) } else { Err(format!("the records end at {at} of {}", message.len())) }
}

fn number(message: &[u8], at: usize) -> Result<u16, String> {
    match message.get(at..at + 2) {
        Some(bytes) => Ok(u16::from_be_bytes([bytes[0], bytes[1]])),
        None => Err(format!("cut off at {at}")),
    }
}

/// Where a name ends in the message. Follows its pointers, which lead backward only, to see that they end in a name.
fn name_end(message: &[u8], start: usize) -> Result<usize, String> {
    let (mut at, mut end, mut length, mut floor) = (start, None, 0, start);
    loop {
        match message.get(at).copied() {
            None => return Err(format!("the name at {start} is cut off")),
            Some(0) => return Ok(end.unwrap_or(at + 1)),
            Some(label @ 1..=63) => {
                at += 1 + usize::from(label);
                length += 1 + usize::from(label);
            }
            Some(0xc0..) => {
                let to = usize::from(number(message, at)? & 0x3fff);
                if to >= floor || to < 12 {
                    return Err(format!("the name at {start} points from {at} to {to}"));
                }
                end = end.or(Some(at + 2));
                floor = to;
                at = to;
            }
            Some(byte) => return Err(format!("a label of type {byte:#x} at {at}")),
        }
        if length > 254 {
            return Err(format!("the name at {start} is too long"));
        }
    }
}
