//! What becomes of a request that no backend gets, in a sentence, and the status with which it is refused.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use super::visit::Visit;
use crate::config::proxy::{AnswerBody, Protocol, Target};
use crate::proxy::control::State;
use crate::proxy::snapshot::Front;
use crate::proxy::target::OwnTarget;
use crate::proxy::target::files::Site;
use crate::proxy::target::files::folder::status_of;
use crate::proxy::target::files::found::Look;
use crate::proxy::target::files::wanted::Wanted;
use crate::proxy::target::redirect::{Asked, Nowhere, Redirect};

/// What is said, and what the visitor is refused with.
type Told = (String, Option<&'static str>);

/// How long whoever asks waits for a disk, and with him all that the daemon decides.
const PATIENCE: Duration = Duration::from_millis(200);

/// How many looks may hang on disks that do not answer.
const MOST_LOOKS: usize = 4;

/// Of one for this host and path.
pub(super) fn sentence(state: &State, front: &Front, target: &OwnTarget, visit: &Visit<'_>) -> Told {
    match target {
        OwnTarget::Redirect(redirect) => redirected(redirect, visit),
        OwnTarget::Answer(_) => (answered(state, &front.name), None),
        OwnTarget::Files(site) => from_folder(site, visit.path),
    }
}

fn redirected(redirect: &Redirect, visit: &Visit<'_>) -> Told {
    let authority = visit.authority();
    let [authority, path, query] = [&authority, visit.path, visit.query].map(str::as_bytes);
    let securely = visit.protocol == Protocol::Https;
    match redirect.location(&Asked { securely, authority, path, query }) {
        Ok(location) => (format!("it is sent to {} ({})", String::from_utf8_lossy(&location), redirect.status), None),
        Err(Nowhere::NoHost) => ("it names no host, and the redirect has none: it is answered 400".into(), Some("400")),
        Err(Nowhere::Here) => ("the redirect leads to what is asked for: it is answered 508".into(), Some("508")),
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

fn from_folder(site: &Arc<Site>, path: &str) -> Told {
    let folder = site.folder().display();
    let Ok(wanted) = site.wanted(path.as_bytes()) else {
        let words = format!("no file in the folder {folder} can be meant by that path: it is answered 404");
        return (words, Some("404"));
    };
    let name = or_itself(&wanted.path);
    let what = if wanted.is_folder { format!("the index of {name}") } else { format!("the file {name}") };
    match look(site, wanted) {
        Some(Ok(Look::File(_))) => {
            let fallback = site.fallback().map(|fallback| format!(", or with {} for want of it,", fallback.display()));
            (format!("it is answered with {what}{} in the folder {folder}", fallback.unwrap_or_default()), None)
        }
        Some(Ok(Look::Folder)) => (format!("{name} is a folder in {folder}: it is sent to {path}/ (308)"), None),
        Some(Ok(Look::Nothing)) => {
            (format!("there is nothing for {what} in the folder {folder}: it is answered 404"), Some("404"))
        }
        Some(Ok(Look::Outside)) => {
            (format!("a symbolic link leads out of the folder {folder}: it is answered 404"), Some("404"))
        }
        Some(Err(error)) => {
            let status = match status_of(&error) {
                403 => "403",
                503 => "503",
                _ => "500",
            };
            (format!("{what} cannot be had from the folder {folder} ({error}): it is answered {status}"), Some(status))
        }
        None => (format!("the disk of the folder {folder} does not answer, and so no visitor is: 504"), Some("504")),
    }
}

/// Looks for the file itself, on a thread that may wait for the disk. None: it has not answered.
fn look(site: &Arc<Site>, wanted: Wanted) -> Option<io::Result<Look>> {
    static LOOKS: AtomicUsize = AtomicUsize::new(0);
    if LOOKS.fetch_add(1, Ordering::SeqCst) >= MOST_LOOKS {
        LOOKS.fetch_sub(1, Ordering::SeqCst);
        return None;
    }
    let (answer, looked) = mpsc::channel();
    let site = Arc::clone(site);
    let begun = std::thread::Builder::new().name("explain".into()).spawn(move || {
        let found = site.look(&wanted, &[]);
        LOOKS.fetch_sub(1, Ordering::SeqCst);
        let _ = answer.send(found);
    });
    if let Err(error) = begun {
        LOOKS.fetch_sub(1, Ordering::SeqCst);
        return Some(Err(error));
    }
    looked.recv_timeout(PATIENCE).ok()
}

fn or_itself(path: &std::path::Path) -> String {
    if path.as_os_str().is_empty() { ".".to_owned() } else { path.display().to_string() }
}
