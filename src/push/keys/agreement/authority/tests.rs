#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, client::WebPkiServerVerifier, crypto::aws_lc_rs::default_provider};

use super::*;

fn roots(authority: &Authority) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.certificate().as_bytes()).unwrap()).unwrap();
    Arc::new(roots)
}

#[test]
fn a_certificate_is_good_for_its_host_as_a_server_and_as_a_client_and_for_no_other_host() {
    let authority = Authority::make().unwrap();
    let addresses = ["192.0.2.11".parse().unwrap(), "2001:db8::11".parse().unwrap()];
    let issued = authority.issue("px-nl", &addresses).unwrap();
    let certificate = CertificateDer::from_pem_slice(issued.0.as_bytes()).unwrap();
    let provider = Arc::new(default_provider());

    let server = WebPkiServerVerifier::builder_with_provider(roots(&authority), Arc::clone(&provider)).build().unwrap();
    let is_for = |name: &'static str| {
        let name = ServerName::try_from(name).unwrap();
        server.verify_server_cert(&certificate, &[], &name, &[], UnixTime::now()).is_ok()
    };
    for own in ["192.0.2.11", "2001:db8::11", "px-nl"] {
        assert!(is_for(own), "{own}");
    }
    for other in ["192.0.2.12", "px-ch"] {
        assert!(!is_for(other), "{other}");
    }

    let by = |authority: &Authority| {
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots(authority), Arc::clone(&provider)).build().unwrap();
        verifier.verify_client_cert(&certificate, &[], UnixTime::now()).is_ok()
    };
    assert!(by(&authority));
    assert!(!by(&Authority::make().unwrap()), "another authority vouches for it");
}

#[test]
fn an_authority_that_was_kept_issues_as_the_one_that_was_made() {
    let made = Authority::make().unwrap();
    let kept = Authority::of_pem(&made.pem().0).unwrap();
    assert_eq!((&kept.name, kept.certificate()), (&made.name, made.certificate()));
    let issued = kept.issue("px-nl", &["192.0.2.11".parse().unwrap()]).unwrap();
    let certificate = CertificateDer::from_pem_slice(issued.0.as_bytes()).unwrap();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(roots(&made), Arc::new(default_provider())).build().unwrap();
    verifier.verify_client_cert(&certificate, &[], UnixTime::now()).unwrap();
    assert_ne!(made.name, Authority::make().unwrap().name, "every authority has a name of its own");
}

#[test]
fn what_is_no_authority_is_refused_and_a_key_is_not_shown() {
    let made = Authority::make().unwrap();
    let without_key = made.certificate().to_owned();
    let twice = format!("{0}{0}", made.pem().0);
    for text in ["", "x", &without_key, &twice] {
        assert!(Authority::of_pem(text).is_err(), "{text}");
    }
    assert_eq!(format!("{:?}", made.pem()), "(secret)");
}
