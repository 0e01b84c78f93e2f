//! What a line is put together from: numbers, times, addresses, and texts that are escaped.
//!
//! A busy proxy writes some ten thousand lines a second, so none of what every line has goes through the machinery of `std::fmt`.

use std::io::Write;
use std::net::SocketAddr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// As [`Write`] would, but for a failure, which a `Vec` does not know.
pub(super) fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

/// Each of these one after the other.
pub(super) fn join(out: &mut Vec<u8>, parts: &[&str]) {
    parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
}

/// A number in decimal.
pub(super) fn number(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// The end of a connection: `192.0.2.7:5000`, `[2001:db8::7]:5000`.
pub(super) fn peer(out: &mut Vec<u8>, peer: SocketAddr) {
    let SocketAddr::V4(peer) = peer else { return put(out, format_args!("{peer}")) };
    let octets = peer.ip().octets();
    for (octet, behind) in octets.into_iter().zip(*b"...:") {
        number(out, octet);
        out.push(behind);
    }
    number(out, peer.port());
}

/// A moment of RFC 3339 in UTC, to milliseconds: `2026-11-23T03:32:11.044Z`.
pub(super) fn moment(out: &mut Vec<u8>, moment: Timestamp) {
    let Some(time) = usual(moment) else { return put(out, format_args!("{moment:.3}")) };
    let mut text = *b"0000-00-00T00:00:00.000Z";
    digits(&mut text[..4], i32::from(time.year()));
    digits(&mut text[5..7], time.month().into());
    digits(&mut text[8..10], time.day().into());
    time_of_day(&mut text[11..23], time);
    out.extend_from_slice(&text);
}

/// The same as HAProxy writes it: `23/Nov/2026:03:32:11.044`.
pub(super) fn haproxys_moment(out: &mut Vec<u8>, moment: Timestamp) {
    const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let Some(time) = usual(moment) else {
        let time = moment.to_zoned(jiff::tz::TimeZone::UTC);
        return put(out, format_args!("{}", time.strftime("%d/%b/%Y:%H:%M:%S%.3f")));
    };
    let mut text = *b"00/Nov/0000:00:00:00.000";
    digits(&mut text[..2], time.day().into());
    let month = (time.month() as usize - 1) * 3;
    text[3..6].copy_from_slice(&MONTHS[month..month + 3]);
    digits(&mut text[7..11], i32::from(time.year()));
    time_of_day(&mut text[12..], time);
    out.extend_from_slice(&text);
}

/// In UTC; none: a year that has not four digits, for which a clock has to be very wrong.
fn usual(moment: Timestamp) -> Option<DateTime> {
    let time = Offset::UTC.to_datetime(moment);
    (0..=9999).contains(&time.year()).then_some(time)
}

/// Over `00:00:00.000`.
fn time_of_day(text: &mut [u8], time: DateTime) {
    digits(&mut text[..2], time.hour().into());
    digits(&mut text[3..5], time.minute().into());
    digits(&mut text[6..8], time.second().into());
    digits(&mut text[9..12], time.subsec_nanosecond() / 1_000_000);
}

/// A number that is not negative, with zeroes before it.
fn digits(text: &mut [u8], mut value: i32) {
    for place in text.iter_mut().rev() {
        *place = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// A JSON string. Bytes that are not ASCII stand as `\u00XX`, so that broken UTF-8 cannot break the line.
pub(super) fn quote(out: &mut Vec<u8>, value: &[u8]) {
    out.push(b'"');
    escaped(
        out,
        value,
        |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'),
        |out, byte| match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            _ => put(out, format_args!("\\u{byte:04x}")),
        },
    );
    out.push(b'"');
}

/// Text without an end of its own: quotes, blanks, backslashes and everything that is not ASCII as `\xXX`.
pub(super) fn bare(out: &mut Vec<u8>, value: &[u8]) {
    let is_plain = |byte| matches!(byte, b'!'..=b'~') && !matches!(byte, b'"' | b'\\');
    escaped(out, value, is_plain, |out, byte| put(out, format_args!("\\x{byte:02x}")));
}

/// Copies what is plain as it stands, and has the rest escaped.
pub(super) fn escaped(
    out: &mut Vec<u8>,
    value: &[u8],
    is_plain: impl Fn(u8) -> bool,
    escape: impl Fn(&mut Vec<u8>, u8),
) {
    let mut rest = value;
    while let Some(place) = rest.iter().position(|byte| !is_plain(*byte)) {
        out.extend_from_slice(&rest[..place]);
        escape(out, rest[place]);
        rest = &rest[place + 1..];
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests;
