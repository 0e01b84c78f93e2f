//! What a visitor takes, by the lists of `Accept` and `Accept-Encoding` (RFC 9110, 12.4 and 12.5; pure).

/// The most that an element of such a list can weigh.
pub const MOST: u16 = 1000;

/// How much the elements of a field's values weigh that `is` takes, from 0 (not wanted) to 1000; none if there is no such element. The
/// first one counts.
pub fn weight<'v>(values: impl IntoIterator<Item = &'v [u8]>, is: impl Fn(&[u8]) -> bool) -> Option<u16> {
    let elements = values.into_iter().flat_map(|value| value.split(|byte| *byte == b','));
    elements.map(split).find(|(name, _)| is(name)).map(|(_, weight)| weight)
}

/// A name and its weight; parameters of the name are left out.
fn split(element: &[u8]) -> (&[u8], u16) {
    let mut parts = element.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let name = parts.next().unwrap_or_default();
    let weight = parts.find_map(|part| part.strip_prefix(b"q=").or_else(|| part.strip_prefix(b"Q=")));
    // What is malformed is taken for nothing said.
    (name, weight.and_then(read_weight).unwrap_or(MOST))
}

/// `0`, `0.5`, `1.000` (12.4.2), in thousandths; none: it is none of these.
pub fn read_weight(text: &[u8]) -> Option<u16> {
    match text {
        [b'1'] | [b'1', b'.', ..] => Some(MOST),
        [b'0'] => Some(0),
        [b'0', b'.', digits @ ..] if digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit) => {
            let digit = |place: usize| digits.get(place).map_or(0, |digit| u16::from(digit - b'0'));
            Some(digit(0) * 100 + digit(1) * 10 + digit(2))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
