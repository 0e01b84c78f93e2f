//! How browsers connect to a pool: the HTTPS record that stands beside its A and AAAA (pure; RFC 9460).
//!
//! Its hints are the addresses that are answered, and its protocols those that all members answered with speak: one record speaks for every
//! address of the name, and a browser takes whichever it likes (RFC 9460, 7.1 and 7.3).

use std::net::IpAddr;

use crate::config::dns::{HttpsConfig, PoolConfig};

/// Of the owner itself, and not an alias (RFC 9460, 2.4.1).
const PRIORITY: [u8; 2] = [0, 1];
/// The target is the owner (RFC 9460, 2.5.2).
const OWNER: [u8; 1] = [0];
/// Numbers of parameters (RFC 9460, 14.3.2).
const ALPN: u16 = 1;
const PORT: u16 = 3;
const IPV4HINT: u16 = 4;
const IPV6HINT: u16 = 6;

/// The record's data, for a pool that is answered with these addresses; `None` without one: nobody could connect.
pub fn rdata(https: &HttpsConfig, pool: &PoolConfig, answered: &[IpAddr]) -> Option<Vec<u8>> {
    if answered.is_empty() {
        return None;
    }
    let mut rdata = [&PRIORITY[..], &OWNER].concat();
    let protocols = common(https, pool, answered).flat_map(|protocol| {
        let length = u8::try_from(protocol.len()).unwrap_or(u8::MAX);
        std::iter::once(length).chain(protocol.bytes().take(usize::from(length)))
    });
    put(&mut rdata, ALPN, protocols.collect());
    put(&mut rdata, PORT, https.port.map(u16::to_be_bytes).into_iter().flatten().collect());
    let v4 = answered.iter().filter_map(|address| if let IpAddr::V4(v4) = address { Some(v4.octets()) } else { None });
    put(&mut rdata, IPV4HINT, v4.flatten().collect());
    let v6 = answered.iter().filter_map(|address| if let IpAddr::V6(v6) = address { Some(v6.octets()) } else { None });
    put(&mut rdata, IPV6HINT, v6.flatten().collect());
    Some(rdata)
}

/// A parameter, unless it says nothing. They stand in the order of their numbers (RFC 9460, 2.2).
fn put(rdata: &mut Vec<u8>, key: u16, value: Vec<u8>) {
    if let (false, Ok(length)) = (value.is_empty(), u16::try_from(value.len())) {
        rdata.extend(key.to_be_bytes());
        rdata.extend(length.to_be_bytes());
        rdata.extend(value);
    }
}

/// The pool's protocols that every answered member speaks.
fn common<'c>(https: &'c HttpsConfig, pool: &'c PoolConfig, answered: &[IpAddr]) -> impl Iterator<Item = &'c str> {
    let of_members = pool.members.values().filter(|member| member.addresses.iter().any(|one| answered.contains(one)));
    let stated: Vec<&Vec<String>> = of_members.filter_map(|member| member.alpn.as_ref()).collect();
    https.alpn.iter().filter(move |one| stated.iter().all(|spoken| spoken.contains(one))).map(String::as_str)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::config::dns::parse;

    fn pool(more: &str) -> PoolConfig {
        let document = format!(
            r#"{{
              "version": 1, "name": "ns-1", "listeners": ["127.0.0.1:53"], "state_dir": "/nowhere",
              "admin": {{ "socket": "/nowhere/admin.sock" }},
              "zones": {{ "example.net": {{ "file": "example.net.zone" }} }},
              "pools": {{ "http.example.net": {{
                "members": {{
                  "a": {{ "addresses": ["192.0.2.1", "2001:db8::1"] }},
                  "b": {{ "addresses": ["192.0.2.2"], "alpn": ["h2"] }}
                }},
                "check": {{ "type": "tcp", "port": 80 }}, {more}
              }} }}
            }}"#
        );
        let config = parse("dns.json".as_ref(), &document).unwrap_or_else(|findings| panic!("{findings}"));
        config.pools.into_values().next().unwrap()
    }

    fn shown(pool: &PoolConfig, answered: &[&str]) -> Option<String> {
        let answered: Vec<IpAddr> = answered.iter().map(|text| text.parse().unwrap()).collect();
        let rdata = rdata(pool.https.as_ref().unwrap(), pool, &answered)?;
        Some(crate::zone::text::rdata(crate::zone::number::rtype::HTTPS, &rdata))
    }

    #[test]
    fn hints_are_the_addresses_that_are_answered() {
        let pool = pool(r#""https": { "port": 8443 }"#);
        let all = shown(&pool, &["192.0.2.1", "192.0.2.2", "2001:db8::1"]).unwrap();
        assert_eq!(all, "1 . alpn=h2 port=8443 ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1");
        assert_eq!(shown(&pool, &["192.0.2.2"]).unwrap(), "1 . alpn=h2 port=8443 ipv4hint=192.0.2.2");
        assert_eq!(shown(&pool, &[]), None, "nobody could connect");
    }

    #[test]
    fn protocols_are_those_that_every_answered_member_speaks() {
        let pool = pool(r#""https": { "alpn": ["h3", "h2"] }"#);
        assert_eq!(shown(&pool, &["192.0.2.1"]).unwrap(), "1 . alpn=h3,h2 ipv4hint=192.0.2.1");
        assert_eq!(shown(&pool, &["192.0.2.1", "192.0.2.2"]).unwrap(), "1 . alpn=h2 ipv4hint=192.0.2.1,192.0.2.2");
        assert_eq!(
            shown(&pool, &["192.0.2.99"]).unwrap(),
            "1 . alpn=h3,h2 ipv4hint=192.0.2.99",
            "no member's: a fallback"
        );
    }
}
