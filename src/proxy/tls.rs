//! TLS of visitors' connections: which certificates there are, and which one a client gets.
//!
//! The certificates are [`crate::tls::certificates`]; [`acceptor`] is what a handshake is answered from, and [`hello`] what is known within one; [`tickets`] are what
//! visitors resume by. [`client_authority`] is by whom visitors' own certificates may be issued, and [`visitor`] what is known of one
//! in the end. The handshake is `traffic::handshake`'s, the connection [`crate::tls`]'s. [`backends`] is what connections to backends are
//! opened with, [`agreement`] what those to the members of etcd are.

pub mod acceptor;
pub mod agreement;
pub mod backends;
pub mod client_authority;
mod client_verifier;
pub mod hello;
pub mod tickets;
pub mod visitor;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use crate::acme::desired;
use crate::config::proxy::{CertificateConfig, ClientAuthorityConfig, ServiceConfig, TlsConfig};
use crate::config::{Finding, ProxyConfig};
use crate::daemon::key_file::{KeyError, Keys};
use crate::proxy::ordered;
use crate::tls::certificate::Chain;
use crate::tls::certificates::{Certificates, Origin};
use acceptor::{Acceptor, Authorities, Resolver, SecureService, by_host};
use client_authority::ClientAuthority;
use tickets::Tickets;

/// Every certificate of a service that is in files, with its path in the document.
fn certificates_of(service: &ServiceConfig) -> impl Iterator<Item = (String, &CertificateConfig)> {
    let certificates = service.tls.iter().flat_map(TlsConfig::files).enumerate();
    certificates.map(|(index, files)| (format!("services.{}.tls.certificates[{index}]", service.name), files))
}

/// The authority of the certificates that a service's visitors are asked for.
fn authority_of(service: &ServiceConfig) -> Option<&ClientAuthorityConfig> {
    Some(&service.tls.as_ref()?.client_certificates.as_ref()?.authority)
}

fn authority_path(service: &ServiceConfig) -> String {
    format!("services.{}.tls.client_certificates", service.name)
}

/// What is wrong with the certificates of a document, and what is worth a warning, as far as can be told without their keys: a file
/// that is not there yet, or that whoever checks may not read, is no error.
pub fn check(file: &Path, document: &ProxyConfig) -> (Vec<Finding>, Vec<Finding>) {
    let finding = |path: String, message: String| Finding { file: file.to_owned(), line: None, path, message };
    let (mut findings, mut warnings) = (Vec::new(), Vec::new());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    for service in document.services.values().filter(|service| service.tls.is_some()) {
        let mut chains = Vec::new();
        for (path, files) in certificates_of(service) {
            match Chain::read(&files.chain_file) {
                Ok(chain) => chains.push((path, chain)),
                Err(error) if matches!(error.kind, Some(io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)) => {
                    warnings.push(finding(path, error.to_string()));
                }
                Err(error) => findings.push(finding(path, error.to_string())),
            }
        }
        let dates = chains.iter().filter_map(|(path, chain)| Some((path, chain.date_fault(now)?)));
        warnings.extend(dates.map(|(path, fault)| finding(path.clone(), format!("the certificate {fault}"))));
        if !chains.is_empty() && chains.len() == service.tls.as_ref().map_or(0, |tls| tls.files().len()) {
            let uncovered =
                service.hosts.iter().filter(|host| !chains.iter().any(|(_, chain)| chain.names.cover_pattern(host)));
            let names: Vec<String> = chains.iter().map(|(_, chain)| chain.names.to_string()).collect();
            findings.extend(uncovered.map(|host| {
                let message = format!("no certificate is for the host {host}: they are for {}", names.join(", "));
                finding(format!("services.{}.tls", service.name), message)
            }));
        }
    }
    for service in document.services.values() {
        let Some(authority) = authority_of(service) else { continue };
        if let Err(error) = client_authority::check(authority) {
            let is_unread = matches!(error.kind, Some(io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied));
            let told = if is_unread { &mut warnings } else { &mut findings };
            told.push(finding(authority_path(service), error.to_string()));
        }
    }
    for unusable in backends::check(document) {
        let told = if unusable.is_unread { &mut warnings } else { &mut findings };
        told.push(finding(unusable.path, unusable.error.to_string()));
    }
    if let Some(error) = agreement::check(document) {
        let is_unread = matches!(error.kind, Some(io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied));
        let told = if is_unread { &mut warnings } else { &mut findings };
        told.push(finding(agreement::PATH.to_owned(), error.to_string()));
    }
    (findings, warnings)
}

/// Reads the certificates of a document with their keys, and gives what handshakes are answered from; none if the document has no
/// TLS. The errors are of those that cannot be used, and are not there.
pub fn read(document: &ProxyConfig) -> (Option<Acceptor>, Vec<KeyError>) {
    let mut certificates = Certificates::default();
    let mut errors = Vec::new();
    let mut services = Vec::new();
    let ordered = ordered::shared(document);
    for service in document.services.values().filter(|service| service.tls.is_some()) {
        let mut slots = Vec::new();
        if let Some(by) = ordered.get(&service.name) {
            let files = desired::files(&document.state_dir, by);
            slots.push(certificates.add(&files, Origin::Acme, &service.hosts));
        }
        for (path, files) in certificates_of(service) {
            let slot = certificates.add(files, Origin::Files, &service.hosts);
            errors.extend(slot.error().map(|error| KeyError::at(&error.file, None, error.why).of(path)));
            slots.push(slot);
        }
        services.push(SecureService { name: service.name.clone(), hosts: service.hosts.clone(), slots });
    }
    let default = services.iter().find(|service| Some(&service.name) == document.tls_default.as_ref());
    let default = default.map(|service| service.slots.clone()).unwrap_or_default();
    let by_host = by_host(services.iter().map(|service| (service.hosts.clone(), service.slots.clone())));
    if certificates.is_empty() {
        return (None, errors);
    }
    let (authorities, unusable) = read_authorities(document);
    errors.extend(unusable);
    match Acceptor::new(Resolver { by_host, default, authorities }, certificates, services) {
        Ok(acceptor) => {
            let tickets = tickets_of(document).unwrap_or_else(|error| {
                errors.push(error);
                None
            });
            let acceptor = match tickets {
                Some(tickets) => acceptor.with_tickets(tickets),
                None => acceptor,
            };
            (Some(acceptor), errors)
        }
        Err(error) => {
            errors.push(KeyError::new(format!("TLS cannot be used: {error}")));
            (None, errors)
        }
    }
}

/// Reads the authorities of visitors' certificates anew if their files have changed. The errors are of those that cannot be used.
fn read_authorities(document: &ProxyConfig) -> (Authorities, Vec<KeyError>) {
    let (mut authorities, mut errors) = (Authorities::default(), Vec::new());
    for service in document.services.values().filter(|service| service.tls.is_some()) {
        let authority = authority_of(service).map(ClientAuthority::of);
        for host in &service.hosts {
            let of_host = authorities.by_host.entry(host.clone());
            // A service beside it may have other paths of the same host.
            *of_host = authority.clone().or(of_host.take());
        }
        let Some(authority) = authority else { continue };
        authority.refresh();
        errors.extend(
            authority.error().map(|error| KeyError::at(&error.file, None, error.why).of(authority_path(service))),
        );
        if Some(&service.name) == document.tls_default.as_ref() {
            authorities.default = Some(Arc::clone(&authority));
        }
        if !authorities.all.iter().any(|known| Arc::ptr_eq(known, &authority)) {
            authorities.all.push(authority);
        }
    }
    (authorities, errors)
}

/// What the key file of a document makes of tickets, if it names one.
fn tickets_of(document: &ProxyConfig) -> Result<Option<Arc<Tickets>>, KeyError> {
    let Some(file) = &document.ticket_key_file else { return Ok(None) };
    // Without a word of its own it is that of cookies.
    let sealing = document.services.values().find(|service| service.cookie_key_file() == Some(file.as_path()));
    let key = sealing.map_or_else(
        || "tls.tickets.key_file".to_owned(),
        |service| format!("services.{}.cookie.key_file", service.name),
    );
    let keys = Keys::read(file).map_err(|error| error.of(key))?;
    Ok(Some(Arc::new(Tickets::new(keys.as_slice()))))
}
