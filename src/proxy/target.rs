//! What the proxy answers by itself, without a backend: redirects, fixed answers, files, and pages in place of its errors.
//!
//! Owns what such a response is. Must never: touch a visitor's connection. Built once for each document; `traffic::targets` asks what is to
//! be sent.

pub mod answer;
pub mod files;
pub mod kept_file;
pub mod media;
pub mod pages;
pub mod redirect;
pub mod response;

use std::sync::Arc;
use std::time::Duration;

use answer::FixedAnswer;
use files::Site;
use redirect::Redirect;

/// After which a visitor whom no backend could serve may try again (Retry-After).
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// A target that is no backend.
#[derive(Debug, Clone)]
pub enum OwnTarget {
    /// The visitor is sent elsewhere.
    Redirect(Arc<Redirect>),
    /// The same for every request.
    Answer(Arc<FixedAnswer>),
    /// The files of a folder.
    Files(Arc<Site>),
}

impl OwnTarget {
    /// As the document calls it.
    pub fn kind(&self) -> &'static str {
        match self {
            OwnTarget::Redirect(_) => "redirect",
            OwnTarget::Answer(_) => "answer",
            OwnTarget::Files(_) => "files",
        }
    }
}
