//! The query of an admin request, both ways (pure): `NAME=VALUE&…`, percent-encoded.

use form_urlencoded::Serializer;

/// `path?NAME=VALUE&…`; only the path when there are no parameters.
pub fn with_query(path: &str, parameters: &[(&str, &str)]) -> String {
    if parameters.is_empty() {
        return path.to_owned();
    }
    let query = Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{path}?{query}")
}

/// The parameters of a query, decoded, in their order. None if an escape is malformed or the text is not UTF-8.
pub(crate) fn parse(query: &str) -> Option<Vec<(String, String)>> {
    let is_escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    let parameters: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    // What is not UTF-8 decodes to the replacement character, which is no part of a host, a path or a cookie.
    let is_text = |text: &str| !text.contains(char::REPLACEMENT_CHARACTER);
    let all_text = parameters.iter().all(|(name, value)| is_text(name) && is_text(value));
    (all_text && query.split('%').skip(1).all(is_escape)).then_some(parameters)
}

#[cfg(test)]
mod tests;
