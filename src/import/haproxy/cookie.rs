//! `cookie` of a backend (configuration manual, 4.2). Pure.

use super::super::draft::COOKIE_KEYS;
use super::super::note::Notes;
use super::super::tree::Table;
use super::sections::Statement;
use crate::config::names;

/// The cookie that keeps visitors on a backend.
#[derive(Debug, Clone)]
pub struct Cookie {
    name: Option<String>,
}

impl Cookie {
    /// Reads `cookie NAME ...`.
    pub fn read(statement: &Statement, notes: &mut Notes) -> Cookie {
        let name = statement.argument(0).unwrap_or_default();
        let name = match names::cookie_name(name) {
            Ok(name) => Some(name),
            Err(invalid) => {
                notes.changed(statement.line, &statement.text(), format!("{invalid}; it is named after the service"));
                None
            }
        };
        let why = format!(
            "the cookie has other values here, so each visitor begins a session once; they are sealed with a key: put 32 random bytes in \
             base64 into {COOKIE_KEYS} on every proxy (openssl rand -base64 32)"
        );
        notes.changed(statement.line, &statement.text(), why);
        for word in statement.words.iter().skip(2) {
            match word.as_str() {
                "insert" | "indirect" | "nocache" | "httponly" | "secure" => {}
                "rewrite" | "prefix" => {
                    let why = "polder sets a cookie of its own, beside the one of the application";
                    notes.changed(statement.line, &statement.text(), why);
                }
                "preserve" | "postonly" | "dynamic" | "domain" | "maxidle" | "maxlife" | "attr" => {
                    notes.left_out(statement.line, &format!("cookie ... {word}"), why_option(word));
                }
                _ => {}
            }
        }
        Cookie { name }
    }

    /// The service's `cookie`.
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        table.set_some("name", self.name.clone());
        table.with("key_file", COOKIE_KEYS)
    }
}

fn why_option(option: &str) -> &'static str {
    match option {
        "domain" => "the cookie is for the host that set it",
        "maxidle" | "maxlife" => "the cookie ends with the browser's session",
        "attr" => "the cookie has HttpOnly, and Secure over TLS, and nothing else",
        "dynamic" => "the cookie is made of the backend's address anyway",
        _ => "polder has nothing like it",
    }
}
