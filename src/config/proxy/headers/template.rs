//! A field's value with variables in it, as documents write it (pure): `{client}` stands for what it is for a request, `{{` and
//! `}}` for one brace.

use crate::config::invalid::Invalid;
use crate::config::near_miss::nearest;
use crate::config::proxy::field;

/// What a value may have in it of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// The visitor's address.
    Client,
    /// The port of the visitor's connection.
    ClientPort,
    /// What the request is known by.
    RequestId,
    /// The service's name.
    Service,
    /// The host that is asked for, without a port.
    Host,
    /// `http` or `https`.
    Scheme,
    /// `TLSv1.3` or `TLSv1.2`.
    TlsVersion,
    /// The cipher suite, by its registered name.
    TlsCipher,
    /// The host that was named in the handshake.
    TlsServerName,
    /// `SUCCESS` if the visitor has shown a certificate, else `NONE`.
    ClientCertVerified,
    /// Whom it is for (RFC 4514).
    ClientCertSubject,
    /// Its SHA-256, in hexadecimal digits.
    ClientCertFingerprint,
}

/// Their names.
const VARIABLES: [(&str, Variable); 12] = [
    ("client", Variable::Client),
    ("client_cert_fingerprint", Variable::ClientCertFingerprint),
    ("client_cert_subject", Variable::ClientCertSubject),
    ("client_cert_verified", Variable::ClientCertVerified),
    ("client_port", Variable::ClientPort),
    ("host", Variable::Host),
    ("request_id", Variable::RequestId),
    ("scheme", Variable::Scheme),
    ("service", Variable::Service),
    ("tls_cipher", Variable::TlsCipher),
    ("tls_server_name", Variable::TlsServerName),
    ("tls_version", Variable::TlsVersion),
];

impl Variable {
    /// It says something only where the service is reached over TLS.
    pub(super) fn is_of_tls(self) -> bool {
        matches!(self, Variable::TlsVersion | Variable::TlsCipher | Variable::TlsServerName)
    }

    /// It says something only where visitors are asked for certificates.
    pub fn is_of_certificate(self) -> bool {
        matches!(self, Variable::ClientCertVerified | Variable::ClientCertSubject | Variable::ClientCertFingerprint)
    }

    /// As documents write it.
    pub(super) fn name(self) -> &'static str {
        VARIABLES.iter().find(|(_, variable)| *variable == self).map_or("", |(name, _)| *name)
    }
}

/// A part of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Printable ASCII, written as it stands.
    Text(Box<str>),
    /// What it is for the request.
    Variable(Variable),
}

/// A value, taken apart once. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

impl Template {
    /// Takes a value apart.
    pub(super) fn parse(text: &str) -> Result<Template, Invalid> {
        field::vet_value(text)?;
        Template::take_apart(text).map_err(|why| Invalid::new(text, why))
    }

    fn take_apart(text: &str) -> Result<Template, String> {
        let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(brace) = rest.find(['{', '}']) {
            literal.push_str(&rest[..brace]);
            let at = &rest[brace..];
            if at.starts_with("{{") || at.starts_with("}}") {
                literal.push_str(&at[..1]);
                rest = &at[2..];
                continue;
            }
            let end = at.find('}').filter(|end| *end > 0);
            let end =
                end.ok_or_else(|| format!("has a brace without its other one; a brace itself is written {BRACES}"))?;
            let variable = find(&at[1..end])?;
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal).into()));
            }
            parts.push(Part::Variable(variable));
            rest = &at[end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal.into()));
        }
        if parts.is_empty() {
            Err("is empty: to take a field away, list it in \"remove\"".to_owned())
        } else {
            Ok(Template(parts))
        }
    }

    /// The value of this variable alone.
    pub fn of(variable: Variable) -> Template {
        Template(vec![Part::Variable(variable)])
    }

    /// Its parts, in their order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// The value, if it is the same for every request.
    pub fn literal(&self) -> Option<&str> {
        match &self.0[..] {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The variables in it.
    pub fn variables(&self) -> impl Iterator<Item = Variable> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Variable(variable) => Some(*variable),
        })
    }
}

const BRACES: &str = "\"{{\" or \"}}\"";

fn find(name: &str) -> Result<Variable, String> {
    let known = || VARIABLES.iter().map(|(known, _)| *known);
    VARIABLES.iter().find(|(known, _)| *known == name).map(|(_, variable)| *variable).ok_or_else(|| {
        let meant = nearest(name, known()).map(|meant| format!("; did you mean {{{meant}}}?")).unwrap_or_default();
        let listed = known().map(|known| format!("{{{known}}}")).collect::<Vec<_>>().join(", ");
        format!("has the variable {{{name}}}, which is none of {listed}{meant} (a brace itself is written {BRACES})")
    })
}
