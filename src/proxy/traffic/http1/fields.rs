//! Header fields as spans into a head, each with the name we know it by.

use crate::config::proxy::WithheldField;

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
    pub kind: Kind,
    /// Its name as it was written.
    pub name: Span,
    /// Its value without the white space around it.
    pub value: Span,
}

/// The names that mean something to a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
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
    /// `Cache-Control`.
    CacheControl,
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

impl Kind {
    /// What a name is known as, in any case. A name that CGI, WSGI and their like cannot tell from a known one (they make
    /// an underscore of a hyphen, some of every punctuation) is never passed on: a backend would read it as the known one,
    /// which we vetted or set.
    pub fn of(name: &[u8]) -> Kind {
        match Kind::of_spelling(name) {
            Kind::Other => Kind::Other,
            kind if name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-') => kind,
            _ => Kind::Never,
        }
    }

    /// The same for all its spellings. Length and first letter come first: most names are compared with nothing.
    fn of_spelling(name: &[u8]) -> Kind {
        let is = |known: &str| same(name, known);
        let first = name.first().map_or(0, u8::to_ascii_lowercase);
        match (name.len(), first) {
            (2, b't') if is("te") => Kind::Te,
            (4, b'h') if is("host") => Kind::Host,
            (5, b'p') if is("proxy") => Kind::Never,
            (6, b'c') if is("cookie") => Kind::Cookie,
            (6, b'e') if is("expect") => Kind::Expect,
            (7, b'u') if is("upgrade") => Kind::Upgrade,
            (7, b't') if is("trailer") => Kind::Trailer,
            (9, b'f') if is("forwarded") => Kind::Forwarded,
            (10, b'c') if is("connection") => Kind::Connection,
            (10, b'k') if is("keep-alive") => Kind::Never,
            (13, b'c') if is("cache-control") => Kind::CacheControl,
            (14, b'c') if is("content-length") => Kind::ContentLength,
            (14, b'h') if is("http2-settings") => Kind::Never,
            (16, b'p') if is("proxy-connection") => Kind::Never,
            (17, b't') if is("transfer-encoding") => Kind::TransferEncoding,
            (length, b'x') if length >= FORWARDED.len() && same(&name[..FORWARDED.len()], FORWARDED) => {
                Kind::of_forwarded(&name[FORWARDED.len()..])
            }
            _ => WithheldField::find(name, same).map_or(Kind::Other, Kind::Withheld),
        }
    }

    /// By what follows `X-Forwarded-`.
    fn of_forwarded(rest: &[u8]) -> Kind {
        match rest {
            rest if same(rest, "for") => Kind::ForwardedFor,
            rest if same(rest, "proto") => Kind::ForwardedProto,
            rest if same(rest, "host") => Kind::ForwardedHost,
            _ => Kind::ForwardedOther,
        }
    }
}

/// How the fields begin that only a trusted proxy can set.
const FORWARDED: &str = "x-forwarded-";

/// Whether a name is a spelling of a known one, which is in lower case: any letter's case, any punctuation for a hyphen.
fn same(name: &[u8], known: &str) -> bool {
    let folded = |byte: u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' };
    name.len() == known.len() && name.iter().zip(known.bytes()).all(|(byte, known)| folded(*byte) == known)
}

/// The elements of a comma-separated value, without the white space around them; empty ones too.
pub fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(|element| element.trim_ascii())
}

/// Writes `Name: value` and the end of the line.
pub fn line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
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
                .filter(|field| field.kind == Kind::Connection)
                .any(|field| elements(field.value.of_head(head)).any(|option| option.eq_ignore_ascii_case(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_any_case_and_other_spellings_of_known_ones_are_never_passed_on() {
        for (name, kind) in [
            ("HOST", Kind::Host),
            ("Transfer-Encoding", Kind::TransferEncoding),
            ("Transfer_Encoding", Kind::Never),
            ("content_length", Kind::Never),
            ("Content.Length", Kind::Never),
            ("keep_alive", Kind::Never),
            ("Cache_Control", Kind::Never),
            ("X-Forwarded-For", Kind::ForwardedFor),
            ("x_forwarded_for", Kind::Never),
            ("X-FORWARDED_HOST", Kind::Never),
            ("X_Forwarded_Port", Kind::Never),
            ("X-Forwarded-Client_Cert", Kind::Never),
            ("X_Real_IP", Kind::Never),
            ("X-Original_URL", Kind::Never),
            ("x-forwarded-port", Kind::ForwardedOther),
            ("X-Forwarde", Kind::Other),
            ("X_Forwarde", Kind::Other),
            ("Proxy", Kind::Never),
            ("http2-settings", Kind::Never),
            ("x", Kind::Other),
            ("", Kind::Other),
            ("X_Custom", Kind::Other),
        ] {
            assert_eq!(Kind::of(name.as_bytes()), kind, "{name}");
        }
        assert!(matches!(Kind::of(b"X-REAL-IP"), Kind::Withheld(field) if field.names_client()));
        assert!(matches!(Kind::of(b"x-rewrite-url"), Kind::Withheld(field) if !field.names_client()));
    }

    #[test]
    fn a_span_finds_its_part_again_and_nothing_else() {
        let head = b"GET / HTTP/1.1".to_vec();
        assert_eq!(Span::of(&head, &head[4..5]).of_head(&head), b"/");
        assert!(Span::of(&head, b"elsewhere").is_empty());
    }
}
