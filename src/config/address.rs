//! The addresses in documents (pure).
//!
//! Every function takes the text as it stands in the document and gives the address, or the finding's message. Host names
//! are never looked up: a daemon that needs the DNS to start, or a proxy to find its backends, fails with it.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// An address and port to listen on: `0.0.0.0:80`, `[::]:80`. Not port 0: nobody would know where.
pub fn listen(text: &str) -> Result<SocketAddr, String> {
    let Ok(address) = text.parse::<SocketAddr>() else {
        return Err(match text.parse::<IpAddr>() {
            Ok(ip) => format!("{text:?} lacks a port: expected like \"{}\"", SocketAddr::new(ip, 80)),
            Err(_) => format!("{text:?} is not an address and port, like \"192.0.2.21:80\" or \"[2001:db8::21]:80\""),
        });
    };
    if address.port() == 0 {
        return Err(format!("{text:?} has port 0: expected 1 to 65535"));
    }
    not_mapped(text, address.ip())?;
    Ok(address)
}

/// An address and port of one host, to connect to.
pub fn dial(text: &str) -> Result<SocketAddr, String> {
    let address = listen(text)?;
    one_host(text, address.ip())?;
    Ok(address)
}

/// An address of one host.
pub fn host(text: &str) -> Result<IpAddr, String> {
    let Ok(address) = text.parse() else {
        return Err(match text.parse::<SocketAddr>() {
            Ok(_) => format!("{text:?} has a port: expected an address alone"),
            Err(_) => format!("{text:?} is not an address, like \"192.0.2.21\" or \"2001:db8::21\""),
        });
    };
    not_mapped(text, address)?;
    one_host(text, address)?;
    Ok(address)
}

/// A network, `10.0.0.0/8`, or an address alone.
pub fn network(text: &str) -> Result<IpNet, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(address));
    }
    match text.parse::<IpNet>() {
        Ok(network) if network == network.trunc() => Ok(network),
        Ok(network) => Err(format!("{text:?} has bits beyond its prefix: expected \"{}\"", network.trunc())),
        Err(_) => Err(format!("{text:?} is not a network, like \"10.0.0.0/8\" or \"2001:db8::/32\"")),
    }
}

/// One address must have one spelling, or comparing them would miss some that are equal.
fn not_mapped(text: &str, address: IpAddr) -> Result<(), String> {
    match address {
        IpAddr::V6(v6) if let Some(v4) = v6.to_ipv4_mapped() => {
            Err(format!("{text:?} is an IPv4 address in IPv6 form: expected {v4}"))
        }
        _ => Ok(()),
    }
}

fn one_host(text: &str, address: IpAddr) -> Result<(), String> {
    let broadcast = address == IpAddr::V4(std::net::Ipv4Addr::BROADCAST);
    match address.is_unspecified() || address.is_multicast() || broadcast {
        true => Err(format!("{text:?} is not the address of one host")),
        false => Ok(()),
    }
}
