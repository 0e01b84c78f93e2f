//! What backends are told of visitors' certificates: fields that are the proxy's alone (pure).

use crate::config::proxy::{CLIENT_CERT, FieldConfig, HeaderEdits, RemovedFields, Template, Variable};

/// The fields, behind [`CLIENT_CERT`].
const FIELDS: [(&str, Variable); 3] = [
    ("X-Client-Cert-Verified", Variable::ClientCertVerified),
    ("X-Client-Cert-Subject", Variable::ClientCertSubject),
    ("X-Client-Cert-Fingerprint", Variable::ClientCertFingerprint),
];

/// What becomes of the fields of requests, these ones among them. Whatever else a visitor sends that begins like them is left out.
pub fn told(edits: &HeaderEdits) -> HeaderEdits {
    let mut edits = edits.clone();
    edits.remove.push(RemovedFields::Beginning(CLIENT_CERT.to_owned()));
    let fields = FIELDS.map(|(name, variable)| FieldConfig { name: name.to_owned(), value: Template::of(variable) });
    edits.set.extend(fields);
    edits
}
