//! The addresses in documents (pure).
//!
//! Every function takes the text as it stands in the document and gives the address, or says why it cannot. Host
//! names are never looked up: a daemon that needs the DNS to start, or a proxy to find its backends, fails with it.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::invalid::Invalid;

/// An address and port to listen on: `0.0.0.0:80`, `[::]:80`. Not port 0: nobody would know where.
pub fn listen(text: &str) -> Result<SocketAddr, Invalid> {
    let Ok(address) = text.parse::<SocketAddr>() else {
        let why = match text.parse::<IpAddr>() {
            Ok(ip) => format!("lacks a port: expected like \"{}\"", SocketAddr::new(ip, 80)),
            Err(_) => "is not an address and port, like \"192.0.2.21:80\" or \"[2001:db8::21]:80\"".to_owned(),
        };
        return Err(Invalid::new(text, why));
    };
    if address.port() == 0 {
        return Err(Invalid::new(text, "has port 0: expected 1 to 65535"));
    }
    not_mapped(text, address.ip())?;
    Ok(address)
}

/// An address and port of one host, to connect to.
pub fn dial(text: &str) -> Result<SocketAddr, Invalid> {
    let address = listen(text)?;
    one_host(text, address.ip())?;
    Ok(address)
}

/// An address of one host.
pub fn host(text: &str) -> Result<IpAddr, Invalid> {
    let Ok(address) = text.parse() else {
        let why = match text.parse::<SocketAddr>() {
            Ok(_) => "has a port: expected an address alone",
            Err(_) => "is not an address, like \"192.0.2.21\" or \"2001:db8::21\"",
        };
        return Err(Invalid::new(text, why));
    };
    not_mapped(text, address)?;
    one_host(text, address)?;
    Ok(address)
}

/// A network, `10.0.0.0/8`, or an address alone.
pub fn network(text: &str) -> Result<IpNet, Invalid> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(address));
    }
    match text.parse::<IpNet>() {
        Ok(network) if network == network.trunc() => Ok(network),
        Ok(network) => Err(Invalid::new(text, format!("has bits beyond its prefix: expected \"{}\"", network.trunc()))),
        Err(_) => Err(Invalid::new(text, "is not a network, like \"10.0.0.0/8\" or \"2001:db8::/32\"")),
    }
}

/// A network of clients, who are known by their IPv4 address also where IPv6 carries it.
pub fn client_network(text: &str) -> Result<IpNet, Invalid> {
    let network = network(text)?;
    let IpNet::V6(v6) = network else { return Ok(network) };
    match (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(96)) {
        (Some(v4), Some(prefix)) => {
            Err(Invalid::new(text, format!("is an IPv4 network in IPv6 form: expected \"{v4}/{prefix}\"")))
        }
        _ => Ok(network),
    }
}

/// One address must have one spelling, or comparing them would miss some that are equal.
fn not_mapped(text: &str, address: IpAddr) -> Result<(), Invalid> {
    match address {
        IpAddr::V6(v6) if let Some(v4) = v6.to_ipv4_mapped() => {
            Err(Invalid::new(text, format!("is an IPv4 address in IPv6 form: expected {v4}")))
        }
        _ => Ok(()),
    }
}

fn one_host(text: &str, address: IpAddr) -> Result<(), Invalid> {
    let broadcast = address == IpAddr::V4(std::net::Ipv4Addr::BROADCAST);
    match address.is_unspecified() || address.is_multicast() || broadcast {
        true => Err(Invalid::new(text, "is not the address of one host")),
        false => Ok(()),
    }
}
