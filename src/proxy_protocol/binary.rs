//! Version 2: a fixed front, addresses, and values of any kind (specification, 2.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::crc32c::crc32c;
use super::header::{Ends, Facts, Header, MOST, Malformed};

/// What a header begins with.
pub(super) const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Signature, version and command, family, length.
const FRONT: usize = SIGNATURE.len() + 4;

const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
const UNSPEC: u8 = 0x00;
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;

/// How long addresses and ports are, by the upper half of the family: of none, IPv4, IPv6, UNIX.
const ADDRESSES: [usize; 4] = [0, 12, 36, 216];

const AUTHORITY: u8 = 0x02;
const CRC32C: u8 = 0x03;
const UNIQUE_ID: u8 = 0x05;
const SSL: u8 = 0x20;

/// Of PP2_TYPE_SSL: the visitor's connection was over TLS.
const CLIENT_SSL: u8 = 0x01;

/// Its flags, and its result of verifying the visitor's certificate.
const SSL_FRONT: usize = 5;

/// The longest host name (RFC 1035, 2.3.4), and the longest identifier (specification, 2.2.5).
const MOST_AUTHORITY: usize = 255;
const MOST_UNIQUE_ID: usize = 128;

pub(super) fn measure(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    let Some(front) = bytes.first_chunk::<FRONT>() else { return Ok(None) };
    let length = FRONT + usize::from(u16::from_be_bytes([front[14], front[15]]));
    match length > MOST {
        true => Err(Malformed::TooLong),
        false => Ok((bytes.len() >= length).then_some(length)),
    }
}

pub(super) fn read(header: &[u8]) -> Result<Header, Malformed> {
    let (front, rest) = header.split_first_chunk::<FRONT>().ok_or(Malformed::Addresses)?;
    let (command, family) = (front[12], front[13]);
    if command != LOCAL && command != PROXY {
        return Err(Malformed::Command);
    }
    // A family that is not known is taken for none, and has no values that could be found.
    let Some(length) = ADDRESSES.get(usize::from(family >> 4)) else { return Ok(Header::default()) };
    let (addresses, values) = rest.split_at_checked(*length).ok_or(Malformed::Addresses)?;
    let facts = read_values(header, values)?;
    if command == LOCAL {
        return Ok(Header::default());
    }
    let ends = match family {
        TCP4 => read_ends::<4>(addresses),
        TCP6 => read_ends::<16>(addresses),
        _ => None,
    };
    Ok(Header { ends, facts })
}

fn read_ends<const N: usize>(addresses: &[u8]) -> Option<Ends>
where
    [u8; N]: Into<IpAddr>,
{
    let (source, rest) = addresses.split_first_chunk::<N>()?;
    let (destination, rest) = rest.split_first_chunk::<N>()?;
    let [from_high, from_low, to_high, to_low] = *rest.first_chunk::<4>()?;
    Some(Ends {
        source: SocketAddr::new((*source).into(), u16::from_be_bytes([from_high, from_low])),
        destination: SocketAddr::new((*destination).into(), u16::from_be_bytes([to_high, to_low])),
    })
}

/// Reads all values: one that is cut short, or a wrong checksum, spoils the whole header.
fn read_values(header: &[u8], mut values: &[u8]) -> Result<Facts, Malformed> {
    let mut facts = Facts::default();
    while let Some((kind, value, rest)) = first_value(values)? {
        match kind {
            CRC32C => check(header, value, header.len() - rest.len())?,
            SSL => facts.is_secure = value.len() >= SSL_FRONT && value[0] & CLIENT_SSL != 0,
            AUTHORITY if value.len() <= MOST_AUTHORITY => {
                facts.authority = std::str::from_utf8(value).ok().filter(|host| !host.is_empty()).map(Box::from);
            }
            UNIQUE_ID if value.len() <= MOST_UNIQUE_ID => {
                facts.unique_id = (!value.is_empty()).then(|| value.into());
            }
            _ => {}
        }
        values = rest;
    }
    Ok(facts)
}

/// The kind of a value, the value, and those behind it.
type FirstValue<'v> = (u8, &'v [u8], &'v [u8]);

/// The first value, and those behind it; `None`: there is none.
fn first_value(values: &[u8]) -> Result<Option<FirstValue<'_>>, Malformed> {
    if values.is_empty() {
        return Ok(None);
    }
    let ([kind, high, low], rest) = values.split_first_chunk::<3>().ok_or(Malformed::Value)?;
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    let (value, rest) = rest.split_at_checked(length).ok_or(Malformed::Value)?;
    Ok(Some((*kind, value, rest)))
}

/// Checks the header against the checksum that ends at `end`; it was made while its own four bytes were zero.
fn check(header: &[u8], value: &[u8], end: usize) -> Result<(), Malformed> {
    let claimed = u32::from_be_bytes(value.try_into().map_err(|_| Malformed::Value)?);
    let parts = [&header[..end - 4], &[0; 4], &header[end..]];
    if crc32c(parts) == claimed { Ok(()) } else { Err(Malformed::Checksum) }
}

pub(super) fn write(ends: Option<Ends>, out: &mut Vec<u8>) {
    out.extend_from_slice(&SIGNATURE);
    let Some(Ends { source, destination }) = ends else {
        return out.extend_from_slice(&[LOCAL, UNSPEC, 0, 0]);
    };
    let (family, length) = if source.is_ipv4() { (TCP4, ADDRESSES[1]) } else { (TCP6, ADDRESSES[2]) };
    out.extend_from_slice(&[PROXY, family, 0, length as u8]);
    for end in [source, destination] {
        match end.ip() {
            IpAddr::V4(v4) => out.extend_from_slice(&Ipv4Addr::octets(&v4)),
            IpAddr::V6(v6) => out.extend_from_slice(&Ipv6Addr::octets(&v6)),
        }
    }
    for end in [source, destination] {
        out.extend_from_slice(&end.port().to_be_bytes());
    }
}
