//! What becomes of a request that no backend gets, in a sentence.

use super::visit::Visit;
use crate::config::proxy::{AnswerBody, Protocol, Target};
use crate::proxy::control::State;
use crate::proxy::snapshot::Front;
use crate::proxy::target::OwnTarget;
use crate::proxy::target::files::Site;
use crate::proxy::target::redirect::{Asked, Nowhere, Redirect};

/// Of one for this host and path.
pub(super) fn sentence(state: &State, front: &Front, target: &OwnTarget, visit: &Visit<'_>) -> String {
    match target {
        OwnTarget::Redirect(redirect) => redirected(redirect, visit),
        OwnTarget::Answer(_) => answered(state, &front.name),
        OwnTarget::Files(site) => from_folder(site, visit.path),
    }
}

fn redirected(redirect: &Redirect, visit: &Visit<'_>) -> String {
    let authority = visit.authority();
    let [authority, path, query] = [&authority, visit.path, visit.query].map(str::as_bytes);
    let securely = visit.protocol == Protocol::Https;
    match redirect.location(&Asked { securely, authority, path, query }) {
        Ok(location) => format!("it is sent to {} ({})", String::from_utf8_lossy(&location), redirect.status),
        Err(Nowhere::NoHost) => "it names no host, and the redirect has none: it is answered 400".into(),
        Err(Nowhere::Here) => "the redirect leads to what is asked for: it is answered 508".into(),
    }
}

fn answered(state: &State, service: &str) -> String {
    let target = state.prepared.document.services.get(service).map(|service| &service.target);
    let Some(Target::Answer(answer)) = target else { return "it is answered by the proxy".into() };
    let content = match &answer.body {
        AnswerBody::Empty => "without content".to_owned(),
        AnswerBody::Text(text) => format!("with the text of the document ({} bytes)", text.len()),
        AnswerBody::File(file) => format!("with the content of {}", file.display()),
    };
    format!("it is answered {}, {content}", answer.status)
}

fn from_folder(site: &Site, path: &str) -> String {
    let folder = site.folder().display();
    match site.wanted(path.as_bytes()) {
        Err(_) => format!("no file in the folder {folder} can be meant by that path: it is answered 404"),
        Ok(wanted) if wanted.is_folder => {
            format!("it is answered with the index of {} in the folder {folder}", or_itself(&wanted.path))
        }
        Ok(wanted) => format!("it is answered with the file {} in the folder {folder}", or_itself(&wanted.path)),
    }
}

fn or_itself(path: &std::path::Path) -> String {
    if path.as_os_str().is_empty() { ".".to_owned() } else { path.display().to_string() }
}
