//! The documents as an operator meets them: what is accepted with which defaults, and the words of every refusal.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

use std::path::Path;

use polder::config::{Findings, dns, proxy};

mod broken_access;
mod broken_dns;
mod broken_dnssec;
mod broken_limits;
mod broken_proxy;
mod broken_services;
mod broken_targets;
mod broken_tls;
mod examples;
mod files;
mod logs;
mod many;
mod mutations;
mod reference;
mod valid;
mod whole;

const PROXY: Usual = Usual { document: include_str!("../data/config/proxy-usual.json"), findings: proxy_findings };
const DNS: Usual = Usual { document: include_str!("../data/config/dns-usual.json"), findings: dns_findings };

fn proxy_findings(text: &str) -> Vec<String> {
    lines(proxy::parse(Path::new("proxy.json"), text))
}

fn dns_findings(text: &str) -> Vec<String> {
    lines(dns::parse(Path::new("dns.json"), text))
}

fn lines<T>(result: Result<T, Findings>) -> Vec<String> {
    result.err().map_or(Vec::new(), |findings| findings.0.iter().map(ToString::to_string).collect())
}

/// A usual document, to be broken in one way after the other.
struct Usual {
    document: &'static str,
    findings: fn(&str) -> Vec<String>,
}

/// Texts of the usual document and what each is replaced with, everywhere.
type Edits = &'static [(&'static str, &'static str)];

impl Usual {
    /// Each of the edits must give just these findings, word for word.
    fn refuses(&self, table: &[(Edits, &[&str])]) {
        assert_eq!((self.findings)(self.document), [""; 0], "the usual document is accepted");
        for (edits, expected) in table {
            let mut document = self.document.to_owned();
            for (from, to) in *edits {
                assert!(document.contains(from), "{from} is not in the usual document");
                document = document.replace(from, to);
            }
            assert_eq!(&(self.findings)(&document), expected, "after {edits:?}");
        }
    }
}
