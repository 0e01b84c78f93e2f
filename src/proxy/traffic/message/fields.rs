//! Header fields as spans into the bytes of a head, each with the name we know it by.

use crate::config::proxy::{Shapes, WithheldField};

/// A part of a head, by position: heads are moved and reused, so nothing may borrow from them for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Where `part` lies within `whole`. `part` must be a slice of `whole`; anything else gives an empty span.
    pub fn of(whole: &[u8], part: &[u8]) -> Span {
        let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
        if start > whole.len() || part.len() > whole.len() - start {
            return Span::default();
        }
        Span { start: start as u32, end: (start + part.len()) as u32 }
    }

    /// Between these positions.
    pub fn between(start: usize, end: usize) -> Span {
        Span { start: start as u32, end: end as u32 }
    }

    /// The bytes.
    pub fn of_head(self, head: &[u8]) -> &[u8] {
        head.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// Nothing in it.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// One line of a head.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// What we know it as.
    pub kind: FieldKind,
    /// Its name as it was written.
    pub name: Span,
    /// Its value without the white space around it.
    pub value: Span,
}

impl Field {
    /// A line that was found in `head`.
    pub fn of(head: &[u8], line: &httparse::Header<'_>) -> Field {
        let name = line.name.as_bytes();
        Field { kind: FieldKind::of(name), name: Span::of(head, name), value: Span::of(head, line.value) }
    }
}

/// The names that mean something to a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// Any other, forwarded as it is.
    Other,
    /// `Host`.
    Host,
    /// `Content-Length`.
    ContentLength,
    /// `Transfer-Encoding`.
    TransferEncoding,
    /// `Connection`.
    Connection,
    /// `Upgrade`.
    Upgrade,
    /// `TE`.
    Te,
    /// `Trailer`.
    Trailer,
    /// `Expect`.
    Expect,
    /// `Cookie`.
    Cookie,
    /// `Set-Cookie`.
    SetCookie,
    /// `Strict-Transport-Security`.
    TransportSecurity,
    /// `Via`.
    Via,
    /// `Max-Forwards`.
    MaxForwards,
    /// `Cache-Control`.
    CacheControl,
    /// `Authorization`, `Proxy-Authorization`, `WWW-Authenticate`, `Proxy-Authenticate`.
    Authentication,
    /// `X-Forwarded-For`.
    ForwardedFor,
    /// `X-Forwarded-Proto`.
    ForwardedProto,
    /// `X-Forwarded-Host`.
    ForwardedHost,
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// Any other `X-Forwarded-*`: believed from a trusted proxy only.
    ForwardedOther,
    /// Passed on only if the service says so.
    Withheld(WithheldField),
    /// `Keep-Alive`, `Proxy-Connection`, `HTTP2-Settings` are of one hop; `Proxy` becomes HTTP_PROXY in a CGI program
    /// (httpoxy, CVE-2016-5385); another spelling of a known name.
    Never,
}

/// How the fields begin that only a trusted proxy can set.
const FORWARDED: &str = "x-forwarded-";

impl FieldKind {
    /// What a name is known as, in any case. A name that CGI, WSGI and their like cannot tell from a known one (they make
    /// an underscore of a hyphen, some of every punctuation) is never passed on: a backend would read it as the known one,
    /// which we vetted or set.
    pub fn of(name: &[u8]) -> FieldKind {
        match FieldKind::of_exact(name) {
            FieldKind::Other if LISTED.have(name) => match WithheldField::find(name) {
                Some(field) => FieldKind::Withheld(field),
                None if is_misspelt(name) => FieldKind::Never,
                None => FieldKind::Other,
            },
            kind => kind,
        }
    }

    /// By a name spelt with hyphens, the withheld ones left out. Length and first letter come first: most names are compared
    /// with nothing.
    fn of_exact(name: &[u8]) -> FieldKind {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        let begins_forwarded =
            || name.get(..FORWARDED.len()).is_some_and(|front| front.eq_ignore_ascii_case(FORWARDED.as_bytes()));
        match (name.len(), first_letter(name)) {
            (2, b't') if is("te") => FieldKind::Te,
            (3, b'v') if is("via") => FieldKind::Via,
            (4, b'h') if is("host") => FieldKind::Host,
            (5, b'p') if is("proxy") => FieldKind::Never,
            (6, b'c') if is("cookie") => FieldKind::Cookie,
            (6, b'e') if is("expect") => FieldKind::Expect,
            (7, b'u') if is("upgrade") => FieldKind::Upgrade,
            (7, b't') if is("trailer") => FieldKind::Trailer,
            (9, b'f') if is("forwarded") => FieldKind::Forwarded,
            (10, b'c') if is("connection") => FieldKind::Connection,
            (10, b'k') if is("keep-alive") => FieldKind::Never,
            (10, b's') if is("set-cookie") => FieldKind::SetCookie,
            (12, b'm') if is("max-forwards") => FieldKind::MaxForwards,
            (13, b'a') if is("authorization") => FieldKind::Authentication,
            (13, b'c') if is("cache-control") => FieldKind::CacheControl,
            (14, b'c') if is("content-length") => FieldKind::ContentLength,
            (14, b'h') if is("http2-settings") => FieldKind::Never,
            (16, b'p') if is("proxy-connection") => FieldKind::Never,
            (16, b'w') if is("www-authenticate") => FieldKind::Authentication,
            (17, b't') if is("transfer-encoding") => FieldKind::TransferEncoding,
            (18, b'p') if is("proxy-authenticate") => FieldKind::Authentication,
            (19, b'p') if is("proxy-authorization") => FieldKind::Authentication,
            (25, b's') if is("strict-transport-security") => FieldKind::TransportSecurity,
            (_, b'x') if begins_forwarded() => FieldKind::of_forwarded(&name[FORWARDED.len()..]),
            _ => FieldKind::Other,
        }
    }

    /// By what follows `X-Forwarded-`.
    fn of_forwarded(rest: &[u8]) -> FieldKind {
        let is = |known: &str| rest.eq_ignore_ascii_case(known.as_bytes());
        match rest {
            _ if rest.iter().any(is_other_punctuation) => FieldKind::Never,
            _ if is("for") => FieldKind::ForwardedFor,
            _ if is("proto") => FieldKind::ForwardedProto,
            _ if is("host") => FieldKind::ForwardedHost,
            _ => FieldKind::ForwardedOther,
        }
    }
}

fn first_letter(name: &[u8]) -> u8 {
    name.first().map_or(0, u8::to_ascii_lowercase)
}

/// What the withheld names and the known ones with a hyphen look like.
const LISTED: Shapes = WithheldField::SHAPES
    .with("keep-alive")
    .with("set-cookie")
    .with("max-forwards")
    .with("cache-control")
    .with("content-length")
    .with("http2-settings")
    .with("proxy-connection")
    .with("transfer-encoding")
    .with("www-authenticate")
    .with("proxy-authenticate")
    .with("proxy-authorization")
    .with_longer(FORWARDED);

/// Whether it would be a known name with hyphens for its other punctuation.
fn is_misspelt(name: &[u8]) -> bool {
    if !name.iter().any(is_other_punctuation) {
        return false;
    }
    // Longer than every known name, but for those that begin as the forwarded ones do.
    let mut spelt = [0; 64];
    for (spelt, byte) in spelt.iter_mut().zip(name) {
        *spelt = if is_other_punctuation(byte) { b'-' } else { *byte };
    }
    let spelt = &spelt[..name.len().min(64)];
    FieldKind::of_exact(spelt) != FieldKind::Other || WithheldField::find(spelt).is_some()
}

fn is_other_punctuation(byte: &u8) -> bool {
    !byte.is_ascii_alphanumeric() && *byte != b'-'
}

/// Whether a name is that of the field by which a client says who it is to the server, and not to a proxy.
pub fn is_authorization(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"authorization")
}

/// The elements of a comma-separated value, without the white space around them; empty ones too.
pub fn elements(value: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(|element| element.trim_ascii())
}

/// Whether credentials or challenges are of a scheme that authenticates the connection and not the request: NTLM, and
/// Negotiate where it carries that (RFC 4559, 6; RFC 9110, 11.6, 17.16.1).
pub fn authenticate_connection(value: &[u8]) -> bool {
    elements(value).any(|element| {
        let scheme = element.split(|byte| matches!(byte, b' ' | b'\t')).next().unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"ntlm") || scheme.eq_ignore_ascii_case(b"negotiate")
    })
}

/// How many options of `Connection` besides the known ones a head may have: each is compared with each of its fields.
const MOST_OPTIONS: usize = 32;

/// What the `Connection` fields of a head say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// `close`.
    pub close: bool,
    /// `keep-alive`.
    pub keep_alive: bool,
    /// `upgrade`.
    pub upgrade: bool,
    /// `TE`.
    pub te: bool,
    /// How many others it names; those fields belong to this hop.
    others: usize,
}

impl Options {
    /// Adds what one field says. False: more options than anybody needs.
    #[must_use]
    pub fn add(&mut self, value: &[u8]) -> bool {
        for option in elements(value) {
            match option {
                b"" => {}
                option if option.eq_ignore_ascii_case(b"close") => self.close = true,
                option if option.eq_ignore_ascii_case(b"keep-alive") => self.keep_alive = true,
                option if option.eq_ignore_ascii_case(b"upgrade") => self.upgrade = true,
                option if option.eq_ignore_ascii_case(b"te") => self.te = true,
                _ => self.others += 1,
            }
        }
        self.others <= MOST_OPTIONS
    }

    /// Whether a field is named by a `Connection` field of its head and so belongs to this hop (RFC 9110, 7.6.1).
    pub fn name(&self, name: &[u8], head: &[u8], fields: &[Field]) -> bool {
        self.others > 0
            && fields
                .iter()
                .filter(|field| field.kind == FieldKind::Connection)
                .any(|field| elements(field.value.of_head(head)).any(|option| option.eq_ignore_ascii_case(name)))
    }
}

#[cfg(test)]
mod tests;
