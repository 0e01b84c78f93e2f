//! What a service asks of requests and does to messages, in sentences.

use crate::config::proxy::{FieldConfig, HeaderEdits, RateLimitConfig, RemovedFields, ServiceConfig};

/// A sentence for each of its features that is used.
pub fn about(service: &ServiceConfig) -> Vec<String> {
    let certificates = service.tls.as_ref().and_then(|tls| tls.client_certificates.as_ref());
    let certificates = certificates.map(|asks| {
        let without = if asks.required { "whoever has shown none is answered 403" } else { "they may do without" };
        format!("visitors are asked for a certificate of {}; {without}", asks.authority.ca_file.display())
    });
    let request = about_headers("the backend", &service.headers.request);
    let response = about_headers("the visitor", &service.headers.response);
    let body = service.max_request_body.map(|most| format!("a body of more than {most} bytes is answered 413"));
    let limits = service.rate_limit.as_ref().map(about_rate_limit).into_iter().chain(body);
    limits.chain(certificates).chain(request).chain(response).collect()
}

fn about_rate_limit(RateLimitConfig { client, service }: &RateLimitConfig) -> String {
    let client = client.as_ref().map(|client| format!("{} of each client", client.rate));
    let service = service.as_ref().map(|rate| format!("{rate} of all together"));
    let taken: Vec<String> = client.into_iter().chain(service).collect();
    format!("the service takes {}; whoever comes sooner is answered 429", taken.join(", and "))
}

fn about_headers(to: &str, edits: &HeaderEdits) -> Option<String> {
    let names = |fields: &[FieldConfig]| fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>();
    let removed = edits.remove.iter().map(RemovedFields::to_string);
    let done = [("sets", names(&edits.set)), ("adds", names(&edits.add)), ("removes", removed.collect())];
    let done = done.into_iter().filter(|(_, names)| !names.is_empty());
    let done: Vec<String> = done.map(|(verb, names)| format!("{verb} {}", names.join(", "))).collect();
    (!done.is_empty()).then(|| format!("of the header fields to {to} it {}", done.join(", ")))
}

#[cfg(test)]
mod tests;
