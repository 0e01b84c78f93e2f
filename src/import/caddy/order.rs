//! The order in which Caddy asks directives (its "Caddyfile Directives", "Directive order" and "Sorting algorithm"). Pure.

use std::cmp::Reverse;

use super::blocks::Directive;

/// Those that matter here, in Caddy's order.
const ORDER: &[&str] = &[
    "header",
    "request_body",
    "redir",
    "method",
    "rewrite",
    "uri",
    "try_files",
    "basic_auth",
    "basicauth",
    "forward_auth",
    "request_header",
    "encode",
    "handle",
    "handle_path",
    "route",
    "abort",
    "error",
    "respond",
    "reverse_proxy",
    "php_fastcgi",
    "file_server",
];

/// What a directive is sorted by: its place, its kind of matcher, and the length of its path.
type Rank = (usize, u8, Reverse<(usize, bool)>);

/// The directives of a block as they are asked; those without an order keep theirs, in front.
pub fn sorted(block: &[Directive]) -> Vec<&Directive> {
    let mut directives: Vec<&Directive> = block.iter().collect();
    directives.sort_by_key(|directive| rank(directive));
    directives
}

fn rank(directive: &Directive) -> Rank {
    // A handle_path is sorted among the handles.
    let name = if directive.name() == "handle_path" { "handle" } else { directive.name() };
    let place = ORDER.iter().position(|other| *other == name).map_or(0, |place| place + 1);
    let (kind, length) = match directive.argument(0) {
        Some(path) if path.starts_with('/') => (0, (path.trim_end_matches('*').len(), !path.ends_with('*'))),
        Some(matcher) if matcher.starts_with('@') => (1, (0, false)),
        _ => (2, (0, false)),
    };
    (place, kind, Reverse(length))
}
