//! The client subnet option (RFC 7871): for whom a resolver asks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The number of the option.
pub const OPTION: u16 = 8;

/// Numbers of the address families (RFC 7871, 6).
const IPV4: u16 = 1;
const IPV6: u16 = 2;

/// Bytes before the address.
const HEAD: usize = 4;

/// The network that a client is in, as a query says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    /// Its bits behind the prefix are 0.
    pub address: IpAddr,
    /// So many bits of it are known; 0: the client does not want to be known.
    pub prefix: u8,
}

/// What a query says of its client's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stated {
    /// It is in this one.
    In(Subnet),
    /// It is one of a family that nobody here knows: as if nothing were said.
    Unknown,
    /// What it says breaks the rules (RFC 7871, 6 and 7.2.1): the query is answered FORMERR.
    Malformed,
}

impl Stated {
    /// Reads the option's data.
    pub fn read(data: &[u8]) -> Stated {
        let Some((&[family_high, family_low, prefix, scope], bytes)) = data.split_first_chunk::<HEAD>() else {
            return Stated::Malformed;
        };
        let is_fitting = |bits: usize| {
            let is_clean = bytes.last().is_none_or(|last| last.trailing_zeros() >= (8 - u32::from(prefix) % 8) % 8);
            scope == 0 && usize::from(prefix) <= bits && bytes.len() == usize::from(prefix).div_ceil(8) && is_clean
        };
        let mut octets = [0; 16];
        let address: IpAddr = match u16::from_be_bytes([family_high, family_low]) {
            IPV4 if is_fitting(32) => {
                octets[..bytes.len()].copy_from_slice(bytes);
                Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]).into()
            }
            IPV6 if is_fitting(128) => {
                octets[..bytes.len()].copy_from_slice(bytes);
                Ipv6Addr::from(octets).into()
            }
            IPV4 | IPV6 => return Stated::Malformed,
            _ => return Stated::Unknown,
        };
        Stated::In(Subnet { address, prefix })
    }
}

impl Subnet {
    /// Bytes of the longest option's data.
    pub const LONGEST: usize = HEAD + 16;

    /// Bytes of the option's data in a response.
    pub fn length(&self) -> usize {
        HEAD + self.address_length()
    }

    fn address_length(&self) -> usize {
        usize::from(self.prefix).div_ceil(8)
    }

    /// The option's data before the address, in a response that is good for all whose addresses begin with `scope` bits of it.
    pub fn head(&self, scope: u8) -> [u8; HEAD] {
        let family = if self.address.is_ipv4() { IPV4 } else { IPV6 };
        let [high, low] = family.to_be_bytes();
        [high, low, self.prefix, scope]
    }

    /// The address's bytes, and how many of them are known.
    pub fn address_bytes(&self) -> ([u8; 16], usize) {
        let mut octets = [0; 16];
        match self.address {
            IpAddr::V4(address) => octets[..4].copy_from_slice(&address.octets()),
            IpAddr::V6(address) => octets = address.octets(),
        }
        (octets, self.address_length())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    #[test]
    fn a_subnet_is_read_and_written_as_the_rfc_has_it() {
        let subnet = |address: &str, prefix| Stated::In(Subnet { address: address.parse().unwrap(), prefix });
        assert_eq!(Stated::read(&[0, 1, 24, 0, 192, 0, 2]), subnet("192.0.2.0", 24));
        assert_eq!(Stated::read(&[0, 1, 0, 0]), subnet("0.0.0.0", 0));
        assert_eq!(Stated::read(&[0, 2, 33, 0, 0x20, 1, 0x0d, 0xb8, 0x80]), subnet("2001:db8:8000::", 33));
        assert_eq!(Stated::read(&[0, 3, 8, 0, 1]), Stated::Unknown);
        let Stated::In(read) = Stated::read(&[0, 2, 33, 0, 0x20, 1, 0x0d, 0xb8, 0x80]) else { panic!("read above") };
        let (octets, length) = read.address_bytes();
        assert_eq!((&read.head(32)[..], &octets[..length]), (&[0, 2, 33, 32][..], &[0x20, 1, 0x0d, 0xb8, 0x80][..]));
        assert_eq!(read.length(), 9);
    }

    #[test]
    fn bits_behind_the_prefix_a_scope_and_a_wrong_length_are_malformed() {
        for data in [
            &[][..],
            &[0, 1, 24],
            &[0, 1, 24, 0, 192, 0],
            &[0, 1, 24, 0, 192, 0, 2, 0],
            &[0, 1, 23, 0, 192, 0, 3],
            &[0, 1, 24, 24, 192, 0, 2],
            &[0, 1, 33, 0, 192, 0, 2, 1, 0],
            &[0, 2, 129, 0],
        ] {
            assert_eq!(Stated::read(data), Stated::Malformed, "{data:?}");
        }
    }
}
