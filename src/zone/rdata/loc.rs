//! Places on earth (RFC 1876): `52 22 23 N 4 53 32 E -2m 10m 100m 10m`.

use super::super::escape::quote;
use super::super::fault::Fault;
use super::super::words::Words;

/// The equator and the prime meridian, in thousandths of a second of arc.
const ZERO_ANGLE: i64 = 1 << 31;
/// The reference spheroid lies this much above the lowest altitude, in centimetres.
const ZERO_ALTITUDE: i64 = 10_000_000;
/// 9e9 cm: the largest size that one digit and one exponent can say.
const LARGEST: i64 = 9_000_000_000;

const LENGTH: usize = 16;

/// Reads all of a LOC record.
pub fn read(words: &mut Words<'_, '_>, wire: &mut Vec<u8>) -> Result<(), Fault> {
    let latitude = angle(words, "latitude", 90, [b'N', b'S'])?;
    let longitude = angle(words, "longitude", 180, [b'E', b'W'])?;
    let altitude = altitude(words)?;
    let size = precision(words, "size", 100)?;
    let horizontal = precision(words, "horizontal precision", 1_000_000)?;
    let vertical = precision(words, "vertical precision", 1000)?;
    wire.extend([0, size, horizontal, vertical]);
    for part in [latitude, longitude, altitude] {
        wire.extend(part.to_be_bytes());
    }
    Ok(())
}

/// Only version 0 has this form.
pub fn measure(wire: &[u8]) -> Result<usize, Fault> {
    match wire {
        [0, size, horizontal, vertical, ..] if wire.len() >= LENGTH => {
            let digits = [size, horizontal, vertical];
            if digits.iter().all(|byte| *byte >> 4 <= 9 && *byte & 15 <= 9) {
                Ok(LENGTH)
            } else {
                Err("a size or precision is not a digit and a power of ten".into())
            }
        }
        [0, ..] => Err("the data ends too early".into()),
        _ => Err("the version is not 0".into()),
    }
}

/// Degrees, then minutes and seconds if given, and the hemisphere, positive one first.
fn angle(words: &mut Words<'_, '_>, what: &str, most: i64, hemispheres: [u8; 2]) -> Result<u32, Fault> {
    let wrong = || {
        let [positive, negative] = hemispheres.map(char::from);
        let form = format!("DEGREES [MINUTES [SECONDS]] {positive} or {negative}");
        Fault::from(format!("the {what} is {form}, at most {most} degrees"))
    };
    let mut sum = 0;
    for (unit, limit, decimals) in [(3_600_000, most, 0), (60_000, 59, 0), (1, 59_999, 3), (0, 0, 0)] {
        let word = words.word().map_err(|_| wrong())?;
        if let [letter] = word
            && let Some(sign) = hemispheres.iter().position(|known| known.eq_ignore_ascii_case(letter))
        {
            if unit == 3_600_000 || sum > most * 3_600_000 {
                return Err(wrong());
            }
            let angle = if sign == 0 { ZERO_ANGLE + sum } else { ZERO_ANGLE - sum };
            return u32::try_from(angle).map_err(|_| wrong());
        }
        sum += unit * decimal(word, decimals).filter(|value| *value <= limit).ok_or_else(wrong)?;
    }
    Err(wrong())
}

fn altitude(words: &mut Words<'_, '_>) -> Result<u32, Fault> {
    let word = words.word().map_err(|_| "the altitude is missing")?;
    let (sign, digits) = match word {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] | digits => (1, digits),
    };
    metres(digits)
        .and_then(|centimetres| u32::try_from(ZERO_ALTITUDE + sign * centimetres).ok())
        .ok_or_else(|| format!("{} is not an altitude: -100000.00m to 42849672.95m", quote(word)).into())
}

/// A length as one digit and a power of ten, rounded down; `default` is in centimetres.
fn precision(words: &mut Words<'_, '_>, what: &str, default: i64) -> Result<u8, Fault> {
    let mut rest = match words.is_empty() {
        true => default,
        false => {
            let word = words.word()?;
            metres(word)
                .filter(|length| *length <= LARGEST)
                .ok_or_else(|| format!("{} is not a {what}: 0m to 90000000m", quote(word)))?
        }
    };
    let mut power = 0;
    while rest > 9 {
        rest /= 10;
        power += 1;
    }
    Ok(u8::try_from(rest << 4 | power).unwrap_or(0))
}

fn metres(word: &[u8]) -> Option<i64> {
    decimal(word.strip_suffix(b"m").or_else(|| word.strip_suffix(b"M")).unwrap_or(word), 2)
}

/// A decimal number, times ten to the power of `decimals`, which is how many it may have.
fn decimal(word: &[u8], decimals: usize) -> Option<i64> {
    let text = std::str::from_utf8(word).ok()?;
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (text, ""),
    };
    let digits = |part: &str| part.len() <= 10 && part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > decimals || !digits(whole) || !digits(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<decimals$}").parse().ok()
}
