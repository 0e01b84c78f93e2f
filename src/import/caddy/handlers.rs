//! Directives that answer by themselves, or say something of requests that others answer, as keys of a service. Pure.

use super::super::answers::{self, Keeps};
use super::super::dial::dial;
use super::super::error::Inexpressible;
use super::super::note::Notes;
use super::super::tree::Table;
use super::super::vet::vet;
use super::blocks::Directive;

/// What both can compress with.
pub const FORMATS: &[&str] = &["gzip", "zstd", "br"];

/// `encode FORMATS`, or a block of them.
///
/// # Errors
///
/// None of the formats is known here.
pub fn encode(directive: &Directive, arguments: &[String]) -> Result<Table, Inexpressible> {
    let inline = arguments.iter().map(String::as_str);
    let formats = inline.chain(directive.block.iter().map(Directive::name));
    let known: Vec<&str> = formats.filter(|format| FORMATS.contains(format)).collect();
    let algorithms = if arguments.is_empty() && directive.block.is_empty() { vec!["zstd", "gzip"] } else { known };
    if algorithms.is_empty() {
        return Err("polder compresses with gzip, brotli and zstd".into());
    }
    Ok(Table::new().with("compression", Table::new().with("algorithms", algorithms)))
}

/// `request_body { max_size SIZE }`.
///
/// # Errors
///
/// There is no size that can be read.
pub fn request_body(directive: &Directive) -> Result<Table, Inexpressible> {
    let size = directive.block.iter().find(|inner| inner.name() == "max_size").and_then(|inner| inner.argument(0));
    let bytes = size.and_then(bytes).ok_or_else(|| Inexpressible::from("expected max_size, like 10MB"))?;
    Ok(Table::new().with("max_request_body", bytes))
}

/// `10MB` is 10 million, `10MiB` is 10 times 1024 times 1024.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit: u64 = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" | "k" => 1000,
        "mb" | "m" => 1_000_000,
        "gb" | "g" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    text[..digits].parse::<u64>().ok()?.checked_mul(unit)
}

/// `forward_auth UPSTREAM { uri PATH; copy_headers FIELDS }`.
pub fn forward_auth(directive: &Directive, arguments: &[String], notes: &mut Notes) -> Result<Table, Inexpressible> {
    let [upstream] = arguments else { return Err("expected one upstream".into()) };
    let (address, changed) = dial(upstream.strip_prefix("http://").unwrap_or(upstream))?;
    if let Some(changed) = changed {
        notes.changed(directive.line, upstream, changed);
    }
    let mut auth = Table::new().with("address", address);
    for inner in &directive.block {
        match inner.name() {
            "uri" => auth.set_some("path", inner.argument(0)),
            "copy_headers" => {
                let inline = inner.arguments().iter().cloned();
                let names = inline.chain(inner.block.iter().map(|line| line.name().to_owned()));
                auth.set("copy", names.collect::<Vec<_>>());
            }
            _ => notes.left_out(inner.line, &inner.text(), "polder has nothing like it"),
        }
    }
    let settings = Table::new().with("forward_auth", auth);
    vet(&settings)?;
    Ok(settings)
}

/// `redir TO [CODE]`.
pub fn redir(arguments: &[String]) -> Result<Table, Inexpressible> {
    let to = arguments.first().map_or("", String::as_str);
    let status = match arguments.get(1).map(String::as_str) {
        None | Some("temporary") => 302,
        Some("permanent") => 301,
        Some(code) => {
            code.parse().map_err(|_| Inexpressible::from("polder redirects by 301, 302, 303, 307 and 308"))?
        }
    };
    match (to.strip_suffix("{uri}"), to.strip_suffix("{path}")) {
        (Some(front), _) => answers::redirect(front, Keeps::All, status),
        (None, Some(front)) => answers::redirect(front, Keeps::Path, status),
        (None, None) => answers::redirect(to, Keeps::Nothing, status),
    }
}

/// `respond [BODY|STATUS] [STATUS]`, or the body in a block.
pub fn respond(directive: &Directive, arguments: &[String]) -> Result<Table, Inexpressible> {
    let status = |text: &String| text.parse::<u64>().ok().filter(|status| (200..=599).contains(status));
    let in_block = directive.block.iter().find(|inner| inner.name() == "body").and_then(|inner| inner.argument(0));
    let (body, status) = match arguments {
        [] => (in_block, Some(200)),
        [one] if status(one).is_some() => (in_block, status(one)),
        [body] => (Some(body.as_str()), Some(200)),
        [body, last, ..] => (Some(body.as_str()), status(last)),
    };
    let body = body.unwrap_or_default();
    if body.contains('{') && body.contains('}') && !body.contains("\": ") {
        return Err("the text is computed: polder answers with a fixed one".into());
    }
    let status = status.ok_or_else(|| Inexpressible::from("expected a status from 200 to 599"))?;
    Ok(answers::answer(status, (!body.is_empty()).then_some("text/plain; charset=utf-8"), body))
}

/// `error [MESSAGE] [STATUS]`.
pub fn error(arguments: &[String]) -> Result<Table, Inexpressible> {
    let status = arguments.iter().rev().find_map(|word| word.parse::<u64>().ok()).unwrap_or(500);
    Ok(answers::answer(status.clamp(400, 599), None, ""))
}
