//! The files of a folder.
//!
//! What a request asks for is decided purely ([`wanted`], [`conditions`], [`range`]); [`found`] opens what is there.

pub mod conditions;
pub mod folder;
pub mod found;
pub mod range;
pub mod wanted;

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::config::proxy::FilesConfig;
use crate::proxy::path_prefix::matched;
use crate::proxy::target::response::{Content, FileContent, Response};
use conditions::{Conditions, Judged};
use folder::WatchedFolder;
use found::{Coding, Found, Look};
use range::{Part, part};
use wanted::{Unnameable, Wanted};

/// A folder, ready.
#[derive(Debug)]
pub struct Site {
    config: FilesConfig,
    folder: Arc<Path>,
    watched: WatchedFolder,
    /// The paths of the service, one of which is none of the folder's.
    prefixes: Vec<String>,
}

/// What a request says of the file that it asks for.
#[derive(Debug, Clone)]
pub struct Ask<'r> {
    /// What the visitor has.
    pub conditions: Conditions<'r>,
    /// The `Range` field, of a GET.
    pub range: Option<&'r [u8]>,
    /// Others may get the same file compressed on its way.
    pub varies: bool,
}

impl Site {
    /// Of a service with these paths. `key`: where it stands in the document.
    pub fn new(config: &FilesConfig, prefixes: &[String], key: &str) -> Site {
        let watched = WatchedFolder::open(&config.folder, format!("{key}.folder"));
        let folder = config.folder.as_path().into();
        Site { config: config.clone(), folder, watched, prefixes: prefixes.to_vec() }
    }

    /// What a path means in the folder.
    ///
    /// # Errors
    ///
    /// Nothing in it can be meant.
    pub fn wanted(&self, path: &[u8]) -> Result<Wanted, Unnameable> {
        let stripped = if self.config.strip_prefix { matched(&self.prefixes, path).len() } else { 0 };
        wanted::wanted(&path[stripped..])
    }

    /// The codings in which files may lie beside themselves.
    pub fn codings(&self) -> &'static [Coding] {
        if self.config.precompressed { &Coding::ALL } else { &[] }
    }

    /// The file for whatever is not there.
    pub fn fallback(&self) -> Option<&Path> {
        self.config.fallback.as_deref()
    }

    /// Where it is.
    pub fn folder(&self) -> &Arc<Path> {
        &self.folder
    }

    /// Whether it can be opened, as it was looked at last.
    pub fn watched(&self) -> &WatchedFolder {
        &self.watched
    }

    /// Opens what is wanted, on a thread that may wait for the disk.
    ///
    /// # Errors
    ///
    /// The folder or the file cannot be opened, though it is there.
    pub fn look(&self, wanted: &Wanted, codings: &[Coding]) -> io::Result<Look> {
        found::look(&self.config, wanted, codings)
    }

    /// What is sent of a file that was found.
    pub fn response(&self, found: Found, ask: Ask<'_>) -> Response {
        let Found { file, length, validators, media, coding } = found;
        // All of it that a cache may put beside another says so (RFC 9110, 12.5.5): parts and 304 too.
        let vary = |response: Response| match self.config.precompressed || ask.varies {
            true => response.with("Vary", "Accept-Encoding"),
            false => response,
        };
        let known = |response: Response| {
            let response = vary(response.with("ETag", validators.etag.clone()));
            match validators.modified {
                Some(modified) => response.with("Last-Modified", httpdate::fmt_http_date(modified)),
                None => response,
            }
        };
        match ask.conditions.judge(&validators) {
            Judged::NotModified => return known(Response::new(304)),
            Judged::Failed => return known(Response::new(412)).in_words("Precondition Failed"),
            Judged::Send => {}
        }
        let range = ask.range.filter(|_| ask.conditions.allow_part(&validators));
        let (status, part) = match range.map_or(Part::Whole, |range| part(range, length)) {
            Part::Whole => (200, 0..length),
            Part::One(part) => (206, part),
            Part::Beyond => {
                let response = Response::new(416).with("Content-Range", format!("bytes */{length}"));
                return vary(response).in_words("Range Not Satisfiable");
            }
        };
        let mut response = known(Response::new(status)).with("Content-Type", media).with("Accept-Ranges", "bytes");
        if let Some(coding) = coding {
            response = response.with("Content-Encoding", coding.name());
        }
        if status == 206 {
            response = response.with("Content-Range", format!("bytes {}-{}/{length}", part.start, part.end - 1));
        }
        response.of(Content::File(FileContent { file, part, folder: Arc::clone(&self.folder) }))
    }
}

#[cfg(test)]
mod tests;
