//! A service's own pages in place of the proxy's words.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::kept_file::KeptFile;
use super::response::{Content, Response};
use crate::config::proxy::ErrorPagesConfig;
use crate::proxy::accept::weight;

/// What stands in a page for the request's id.
const ID: &[u8] = b"{request_id}";

/// The pages of one service, ready.
#[derive(Debug)]
pub struct Pages {
    by_status: BTreeMap<u16, KeptFile<Template>>,
    maintenance: Option<KeptFile<Template>>,
    maintenance_retry_after: Duration,
}

/// A page, cut at the places where the request's id comes in.
#[derive(Debug)]
pub struct Template(Vec<Arc<Vec<u8>>>);

impl Template {
    fn of(page: Vec<u8>) -> Template {
        let mut rest = page.as_slice();
        let mut parts = Vec::new();
        while let Some(place) = memchr::memmem::find(rest, ID) {
            parts.push(Arc::new(rest[..place].to_vec()));
            rest = &rest[place + ID.len()..];
        }
        parts.push(Arc::new(rest.to_vec()));
        Template(parts)
    }

    /// The page, with an id that is asked for if the page shows it.
    fn page(&self, id: impl FnOnce() -> String) -> Arc<Vec<u8>> {
        match self.0.as_slice() {
            // However many visitors take their time over it, it is there once.
            [whole] => Arc::clone(whole),
            parts => {
                let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_slice()).collect();
                Arc::new(parts.join(id().as_bytes()))
            }
        }
    }
}

/// In which form a visitor is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The page.
    Page,
    /// An object for programs.
    Json,
    /// The proxy's own line of text.
    Text,
}

/// The form that fits an `Accept`. A page goes to whoever names HTML, takes anything or says nothing; who names JSON, and does not like
/// HTML better, is a program.
pub fn form<'v>(accept: impl Iterator<Item = &'v [u8]> + Clone) -> Form {
    let named = |names: &[&str]| {
        weight(accept.clone(), |element| names.iter().any(|name| element.eq_ignore_ascii_case(name.as_bytes())))
    };
    let html = named(&["text/html", "application/xhtml+xml"]).unwrap_or(0);
    let json = named(&["application/json"]).unwrap_or(0);
    let anything = named(&["text/*", "*/*"]).unwrap_or(0);
    match accept.clone().next() {
        None => Form::Page,
        Some(_) if json > 0 && json >= html => Form::Json,
        Some(_) if html > 0 || anything > 0 => Form::Page,
        Some(_) => Form::Text,
    }
}

impl Pages {
    /// Reads them. `key`: where they stand in the document. None: there are none.
    pub fn read(config: &ErrorPagesConfig, key: &str) -> Option<Arc<Pages>> {
        let open = |file, name: &str| KeptFile::open(file, format!("{key}.{name}"), Template::of);
        let by_status = config.by_status.iter().map(|(status, file)| (*status, open(file, &status.to_string())));
        let pages = Pages {
            by_status: by_status.collect(),
            maintenance: config.maintenance.as_ref().map(|file| open(file, "maintenance")),
            maintenance_retry_after: config.maintenance_retry_after,
        };
        let is_empty = pages.by_status.is_empty() && pages.maintenance.is_none();
        (!is_empty).then(|| Arc::new(pages))
    }

    /// What a visitor gets instead of an answer of the proxy's of this status, in the form that he takes. None: the proxy's own words.
    /// `is_maintenance`: it is one because an operator has all backends in maint. `id`: makes the request's.
    pub fn response(
        &self,
        status: u16,
        is_maintenance: bool,
        form: Form,
        id: impl FnOnce() -> String,
    ) -> Option<Response> {
        let of_maintenance = self.maintenance.as_ref().filter(|_| is_maintenance);
        let template = of_maintenance.or_else(|| self.by_status.get(&status))?;
        let (media, content) = match form {
            Form::Page => ("text/html; charset=utf-8", template.content()?.page(id)),
            Form::Json => ("application/json", Arc::new(in_json(status, &id()))),
            Form::Text => return None,
        };
        let response = Response::new(status).with("Content-Type", media).with("Cache-Control", "no-store");
        let response = response.with("Vary", "Accept").of(Content::Bytes(content));
        let retry_after = match status {
            503 if is_maintenance => self.maintenance_retry_after.as_secs(),
            503 => super::RETRY_AFTER.as_secs(),
            _ => return Some(response),
        };
        Some(response.with("Retry-After", retry_after.to_string()))
    }

    /// The files that they are in.
    pub fn files(&self) -> impl Iterator<Item = &KeptFile<Template>> {
        self.by_status.values().chain(&self.maintenance)
    }
}

fn in_json(status: u16, id: &str) -> Vec<u8> {
    let reason = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let error = serde_json::json!({ "status": status, "error": reason.unwrap_or("Error"), "request_id": id });
    format!("{error}\n").into_bytes()
}

#[cfg(test)]
mod tests;
