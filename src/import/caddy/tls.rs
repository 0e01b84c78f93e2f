//! `tls` of a site: from where its certificates come. Pure.

use super::super::note::Notes;
use super::super::tree::{Table, Tree};
use super::blocks::Directive;

/// From where the certificates of a site come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteTls {
    /// Files that it names.
    pub files: Option<Tree>,
    /// It wants Caddy's own authority.
    pub internal: bool,
    /// The mail address of its account.
    pub email: Option<String>,
    /// The certificates that visitors are asked for.
    pub visitors: Option<Table>,
}

/// Reads the directive.
pub fn read(directive: &Directive, notes: &mut Notes) -> SiteTls {
    let mut tls = SiteTls::default();
    match directive.arguments() {
        [] => {}
        [only] if only == "internal" => tls.internal = true,
        [email] if email.contains('@') => tls.email = Some(email.clone()),
        [chain, key] => {
            let certificate = Table::new().with("chain_file", chain.as_str()).with("key_file", key.as_str());
            tls.files = Some(Table::new().with("certificates", vec![Tree::from(certificate)]).into());
        }
        _ => notes.left_out(
            directive.line,
            &directive.text(),
            "expected a mail address, or a certificate's file and its key's",
        ),
    }
    for inner in &directive.block {
        let why = match inner.name() {
            "issuer" if inner.argument(0) == Some("internal") => {
                tls.internal = true;
                continue;
            }
            "protocols" => "polder speaks TLS 1.2 and 1.3",
            "ciphers" | "curves" | "key_type" => "polder chooses among the safe ones by itself",
            "dns"
            | "propagation_timeout"
            | "propagation_delay"
            | "dns_ttl"
            | "resolvers"
            | "dns_challenge_override_domain" => "polder answers dns-01 by its own nameservers: docs/certificates.md",
            "client_auth" => match visitors(inner) {
                Some(asked) => {
                    tls.visitors = Some(asked);
                    continue;
                }
                None => {
                    "expected one file of the authority and mode require_and_verify or verify_if_given; what it keeps away is served here"
                }
            },
            "load" | "get_certificate" => "name each certificate: tls CERTIFICATE KEY",
            "on_demand" => "polder orders certificates for the hosts of the document alone",
            "ca" | "ca_root" | "eab" | "issuer" => "polder has one CA for all: write it into \"acme\"",
            _ => "polder has nothing like it",
        };
        notes.left_out(inner.line, &inner.text(), why);
    }
    tls
}

/// `client_auth`: its mode, and the file of the authority.
fn visitors(directive: &Directive) -> Option<Table> {
    let mut mode = "required";
    let mut files = Vec::new();
    for inner in &directive.block {
        match (inner.name(), inner.arguments(), &inner.block[..]) {
            ("mode", [one], _) if one == "require_and_verify" => {}
            ("mode", [one], _) if one == "verify_if_given" => mode = "optional",
            ("trusted_ca_cert_file", [file], _) => files.push(file),
            ("trust_pool", [file, pem], []) if file == "file" => files.push(pem),
            ("trust_pool", [file], [pem]) if file == "file" && pem.words.len() == 2 => files.push(&pem.words[1]),
            _ => return None,
        }
    }
    let [file] = files[..] else { return None };
    file.starts_with('/').then(|| Table::new().with("mode", mode).with("ca_file", file.as_str()))
}
