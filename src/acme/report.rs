//! What the operator sees of certificates: in the status, and on the page for a browser.

use maud::{Markup, html};

use super::steps::Standing;
use crate::api::certificates::{CertificateStatus, OrderStatus};
use crate::daemon::page::pieces::{moment, text};
use crate::tls::certificates::{Origin, Slot};

/// A certificate, with how its order stands if it is one of these.
pub fn certificate_status(slot: &Slot, orders: &[Standing]) -> CertificateStatus {
    let name = slot.files.chain_file.file_stem();
    let order = orders.iter().find(|order| slot.origin == Origin::Acme && name == Some(order.service.as_ref()));
    let certificate = slot.certificate();
    let chain = certificate.as_ref().map(|certificate| &certificate.chain);
    CertificateStatus {
        file: slot.files.chain_file.display().to_string(),
        hosts: chain.map(|chain| chain.names.to_vec()).unwrap_or_default(),
        ends: chain.map(|chain| chain.ends.as_millis() as u64),
        error: slot.error().map(|error| error.to_string()),
        acme: order.cloned().map(|Standing { service, orderer, renewal, error, next_try }| OrderStatus {
            service,
            orderer,
            renewal,
            error,
            next_try,
        }),
    }
}

/// The certificates on the page.
pub fn certificates_section(certificates: &[CertificateStatus]) -> Markup {
    html! {
        section {
            h2 { "Certificates" }
            ul.rows {
                @for certificate in certificates {
                    @let order = certificate.acme.as_ref();
                    @let trouble = certificate.error.as_ref().or(order.and_then(|order| order.error.as_ref()));
                    li {
                        b { (text(&certificate.hosts.join(", "))) }
                        @match certificate.ends {
                            Some(ends) => span { "ends " (moment(ends)) },
                            None => span.bad { "✖ none that can be used" },
                        }
                        @if let Some(renewal) = order.and_then(|order| order.renewal) { span.dim { "renewed " (moment(renewal)) } }
                        @if let Some(trouble) = trouble { span.bad { "✖ " (text(trouble)) } }
                        span.dim { (text(&certificate.file)) }
                    }
                }
            }
        }
    }
}
