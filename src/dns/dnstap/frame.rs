//! Frame Streams, as far as a sender needs it (pure): <https://farsightsec.github.io/fstrm/group__fstrm__control.html>.
//!
//! A frame is its length, 32 bits in network order, and so many bytes. A length of 0 is an escape: behind it stands a control frame, with a
//! length of its own, its type and its fields. Over a socket both sides speak: the sender is READY for some content types, the receiver will
//! ACCEPT one of them, the sender STARTs, sends data, and STOPs, and the receiver says FINISH when it has all of it.

/// What our frames hold.
pub(super) const CONTENT_TYPE: &[u8] = b"protobuf:dnstap.Dnstap";

/// Bytes of a length.
pub(super) const LENGTH: usize = 4;

/// The longest control frame (`FSTRM_CONTROL_FRAME_LENGTH_MAX`).
const LONGEST_CONTROL: u32 = 512;

/// The field that has a content type.
const FIELD_CONTENT_TYPE: u32 = 1;

/// The types of control frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    Accept = 1,
    Start = 2,
    Stop = 3,
    Ready = 4,
    Finish = 5,
}

impl Control {
    const ALL: [Control; 5] = [Control::Accept, Control::Start, Control::Stop, Control::Ready, Control::Finish];

    /// Its bytes, with our content type where there may be one.
    pub(super) fn written(self) -> Vec<u8> {
        let mut body = (self as u32).to_be_bytes().to_vec();
        if matches!(self, Control::Ready | Control::Accept | Control::Start) {
            body.extend(FIELD_CONTENT_TYPE.to_be_bytes());
            body.extend((CONTENT_TYPE.len() as u32).to_be_bytes());
            body.extend(CONTENT_TYPE);
        }
        [&0u32.to_be_bytes()[..], &(body.len() as u32).to_be_bytes(), &body].concat()
    }
}

/// How long the control frame is whose escape and length these are.
///
/// # Errors
///
/// It is none.
pub(super) fn control_length(head: [u8; 2 * LENGTH]) -> Result<usize, Malformed> {
    let [escape, length] = [0, LENGTH].map(|at| word(&head[at..]).unwrap_or_default());
    match (escape, length) {
        (0, 4..=LONGEST_CONTROL) => Ok(length as usize),
        _ => Err(Malformed),
    }
}

/// What a control frame of a receiver says: its type, and whether it names our content type, or none at all.
///
/// # Errors
///
/// It is malformed, or of no known type.
pub(super) fn read_control(body: &[u8]) -> Result<(Control, bool), Malformed> {
    let number = word(body).ok_or(Malformed)?;
    let control = Control::ALL.into_iter().find(|control| *control as u32 == number).ok_or(Malformed)?;
    let (mut rest, mut others, mut is_ours) = (&body[LENGTH..], false, false);
    while !rest.is_empty() {
        let field = word(rest).ok_or(Malformed)?;
        let length = rest.get(LENGTH..).and_then(word).ok_or(Malformed)? as usize;
        let value = rest.get(2 * LENGTH..).and_then(|value| value.get(..length)).ok_or(Malformed)?;
        if field == FIELD_CONTENT_TYPE {
            is_ours |= value == CONTENT_TYPE;
            others |= value != CONTENT_TYPE;
        }
        rest = &rest[2 * LENGTH + length..];
    }
    Ok((control, is_ours || !others))
}

/// What is no control frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// How many frames stand in these bytes, the second part behind the first.
pub(super) fn count(first: &[u8], second: &[u8]) -> u64 {
    let all = || first.iter().chain(second);
    let (mut at, mut frames) = (0, 0);
    while at < first.len() + second.len() {
        let length = all().skip(at).take(LENGTH).fold(0u32, |length, byte| length << 8 | u32::from(*byte));
        at += LENGTH + length as usize;
        frames += 1;
    }
    frames
}

fn word(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests;
