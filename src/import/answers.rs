//! What the proxy answers by itself, as keys of a service: `redirect` and `answer`. Pure.

use super::error::Inexpressible;
use super::tree::{Table, Tree};

/// What of the request's target goes along with a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// Path and query.
    All,
    /// The path alone.
    Path,
    /// Nothing: the place is stated whole.
    Nothing,
}

/// `redirect` to a URL or a path: what of the request is kept stands in `keeps` and not in the text.
///
/// # Errors
///
/// It is computed, or no place that polder can send to.
pub fn redirect(to: &str, keeps: Keeps, status: u64) -> Result<Table, Inexpressible> {
    if to.contains(['{', '%', ' ']) {
        return Err(
            "where it leads to is computed: polder's redirects change scheme, host and path (docs/targets.md)".into()
        );
    }
    let mut redirect = Table::new().with("status", status);
    let rest = match to.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => {
            redirect.set("scheme", scheme);
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            if end > 0 {
                redirect.set("host", &rest[..end]);
            }
            &rest[end..]
        }
        Some((scheme, _)) => return Err(format!("{scheme}:// is not a scheme that visitors are sent to").into()),
        None if to.starts_with('/') => to,
        None => return Err("where it leads to is no URL and no path".into()),
    };
    match keeps {
        Keeps::Nothing => {
            let path = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
            if !path.contains('?') {
                redirect.set("keep_query", false);
            }
            redirect.set("path", path);
        }
        _ if !matches!(rest, "" | "/") => {
            return Err(
                "a path in front of the one that was asked for: make a service of each path, with \"replace_prefix\""
                    .into(),
            );
        }
        Keeps::Path => redirect.set("keep_query", false),
        Keeps::All => {}
    }
    Ok(Table::new().with("redirect", redirect))
}

/// `answer` with a status and a text, or none.
pub fn answer(status: u64, content_type: Option<&str>, body: &str) -> Table {
    let mut answer = Table::new().with("status", status);
    if let Some(content_type) = content_type {
        answer.set("headers", Table::new().with("Content-Type", content_type));
    }
    if !body.is_empty() {
        answer.set("body", body);
    }
    Table::new().with("answer", answer)
}

/// Whether keys of a service answer all requests by an error.
pub fn is_error(settings: &Table) -> bool {
    let status = settings.get("answer").and_then(Tree::table).and_then(|answer| answer.get("status"));
    matches!(status, Some(Tree::Number(400..)))
}
