//! The names in documents: of polder's own things, of hosts, of zones and pools, of cookies (pure).
//!
//! Every function takes the text as it stands in the document and gives it normalised, or says why it cannot be taken.

use super::invalid::Invalid;

/// The longest name of a thing of polder's own: it stands in metrics, log lines and file names.
const LONGEST_NAME: usize = 64;
/// The longest label of a domain name (RFC 1035, 2.3.4).
pub(crate) const LONGEST_LABEL: usize = 63;
/// The longest domain name in text, without the final dot: 255 bytes on the wire.
const LONGEST_DOMAIN: usize = 253;

/// A name of a service, backend, listener, member or daemon.
pub fn name(text: &str) -> Result<String, Invalid> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let begins_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    match begins_well && text.len() <= LONGEST_NAME && text.bytes().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err(Invalid::new(
            text,
            format!(
                "is not a name: expected 1 to {LONGEST_NAME} letters, digits, \"-\", \"_\" and \".\", a letter or digit first"
            ),
        )),
    }
}

/// What a check sends as its Host: a host name or an address, with or without a port.
pub fn check_host(text: &str) -> Result<String, Invalid> {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    };
    let port_is_good = port.is_none_or(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok());
    match port_is_good && (in_brackets(name).is_some() || host(text, name).is_ok()) {
        true => Ok(text.to_owned()),
        false => Err(Invalid::new(text, "is not a host: expected a host name or an address, with or without a port")),
    }
}

/// A host name, in lower case and without the final dot, or an address; without a port.
pub fn host_or_address(text: &str) -> Result<String, Invalid> {
    match text.parse::<std::net::IpAddr>() {
        Ok(address) => Ok(address.to_string()),
        Err(_) => host(text, text),
    }
}

/// An IPv6 address in brackets, as Host has it (RFC 3986, 3.2.2): in its shortest form.
pub fn bracketed(text: &str) -> Result<String, Invalid> {
    let address = in_brackets(text).map(|address| format!("[{address}]"));
    address.ok_or_else(|| Invalid::new(text, "is not a host: expected an IPv6 address in brackets, without a port"))
}

fn in_brackets(host: &str) -> Option<std::net::Ipv6Addr> {
    host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

/// The host name `name`, in lower case and without the final dot; `text` is what findings quote. RFC 1123, 2.1, and underscores:
/// names of hosts should have none, but some do, and visitors reach them.
pub fn host(text: &str, name: &str) -> Result<String, Invalid> {
    let refused = |why: &str| Err(Invalid::new(text, format!("is not a host: {why}")));
    if let Some((_, port)) = name.rsplit_once(':')
        && port.bytes().all(|b| b.is_ascii_digit())
    {
        return refused("it has a port; write the name alone, it counts on every port");
    }
    if name.contains('*') {
        return refused("a \"*\" may only be its whole first label, as in \"*.example.net\", or all of it");
    }
    domain(name, |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')).or_else(|why| refused(&why))
}

/// The name of a zone: a domain name, or `.` for the root.
pub fn zone_name(text: &str) -> Result<String, Invalid> {
    if text == "." { Ok(text.to_owned()) } else { dns_name(text) }
}

/// An owner that answers from a pool: a domain name, or a wildcard (RFC 4592, 2.1.1).
pub fn pool_owner(text: &str) -> Result<String, Invalid> {
    match text.strip_prefix("*.") {
        Some(below) => dns_name(below).map(|below| format!("*.{below}")),
        None => dns_name(text),
    }
}

/// A domain name (RFC 2317 gives some a `/`): in lower case, without the final dot.
pub fn dns_name(text: &str) -> Result<String, Invalid> {
    domain(text, |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/'))
        .map_err(|why| Invalid::new(text, format!("is not a domain name: {why}")))
}

fn domain(text: &str, allowed: impl Fn(u8) -> bool) -> Result<String, String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.is_empty() {
        return Err("it is empty".to_owned());
    }
    if !name.is_ascii() {
        return Err("it is not ASCII; write it in its \"xn--\" form".to_owned());
    }
    if name.len() > LONGEST_DOMAIN {
        return Err(format!("it has {} characters, more than {LONGEST_DOMAIN}", name.len()));
    }
    name.split('.').try_for_each(|label| self::label(label, &allowed))?;
    Ok(name.to_ascii_lowercase())
}

fn label(label: &str, allowed: impl Fn(u8) -> bool) -> Result<(), String> {
    if label.is_empty() {
        return Err("it has an empty label".to_owned());
    }
    if label.len() > LONGEST_LABEL {
        return Err(format!("a label has {} characters, more than {LONGEST_LABEL}", label.len()));
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err(format!("the label {label:?} begins or ends with \"-\""));
    }
    match label.chars().find(|character| !u8::try_from(*character).is_ok_and(&allowed)) {
        Some(character) => Err(format!("it has {character:?} in it")),
        None => Ok(()),
    }
}

/// What a token is made of, for whoever wrote something else.
pub const TOKEN: &str = "letters, digits and any of !#$%&'*+-.^_`|~";

/// Whether a text is a token (RFC 9110, 5.6.2): the name of a field or a cookie.
pub fn is_token(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(allowed)
}

/// A cookie's name: a token (RFC 6265, 4.1.1).
pub fn cookie_name(text: &str) -> Result<String, Invalid> {
    if !is_token(text) {
        return Err(Invalid::new(text, format!("is not a cookie name: expected {TOKEN}")));
    }
    let prefixed = ["__secure-", "__host-"].iter().any(|prefix| text.to_ascii_lowercase().starts_with(prefix));
    match prefixed {
        true => Err(Invalid::new(text, "begins with a prefix that browsers accept over TLS only (RFC 6265bis, 4.1.3)")),
        false => Ok(text.to_owned()),
    }
}

/// A path prefix in whole segments: `/`, `/shop`, `/shop/cart`. Compared undecoded, so it must be as clients send it.
pub fn path_prefix(text: &str) -> Result<String, Invalid> {
    vet_path_prefix(text).map_err(|why| Invalid::new(text, format!("is not a path prefix: {why}")))?;
    Ok(text.to_owned())
}

fn vet_path_prefix(text: &str) -> Result<(), String> {
    vet_path(text)?;
    if text == "/" {
        return Ok(());
    }
    let segments = || text.split('/').skip(1);
    if text.contains('?') {
        Err("it has a query".to_owned())
    } else if text.ends_with('/') {
        Err("it ends with \"/\"; leave that out, a prefix covers everything below it".to_owned())
    } else if segments().any(str::is_empty) {
        Err("it has an empty segment".to_owned())
    } else if segments().any(|segment| segment == "." || segment == "..") {
        Err("it has a dot segment".to_owned())
    } else if segments().next() == Some(".polder") {
        Err("\"/.polder\" is reserved for the proxy itself".to_owned())
    } else {
        Ok(())
    }
}

/// A path that a check asks for, a query allowed.
pub fn check_path(text: &str) -> Result<String, Invalid> {
    vet_path(text).map_err(|why| Invalid::new(text, format!("is not a path: {why}")))?;
    Ok(text.to_owned())
}

fn vet_path(text: &str) -> Result<(), String> {
    if !text.starts_with('/') {
        return Err("it must begin with \"/\"".to_owned());
    }
    match text.chars().find(|character| !character.is_ascii_graphic() || *character == '#') {
        Some(character) => Err(format!("it has {character:?} in it; write that percent-encoded, as clients send it")),
        None => Ok(()),
    }
}
