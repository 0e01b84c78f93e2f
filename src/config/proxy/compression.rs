//! `compression` of a service: what of its responses goes to visitors compressed, and how.

use std::ops::RangeInclusive;

use crate::config::distinct::Distinct;
use crate::config::reader::{Keys, Object, Read, Value};

/// What of a service's responses is compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompressionConfig {
    /// The first one that a visitor likes best; never empty, distinct.
    pub algorithms: Vec<Algorithm>,
    /// The types of content that are compressed; never empty.
    pub types: Vec<MediaRange>,
    /// Shorter bodies are not.
    pub min_size: u64,
    /// Responses that set a cookie are, too.
    pub with_set_cookie: bool,
}

/// A way to compress, by its name in HTTP (RFC 9110, 8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// Zstandard (RFC 8878).
    Zstd,
    /// Brotli (RFC 7932).
    Brotli,
    /// gzip (RFC 1952).
    Gzip,
}

impl Algorithm {
    /// All of them, those first that take least time for what they save.
    pub const ALL: [Algorithm; 3] = [Algorithm::Zstd, Algorithm::Brotli, Algorithm::Gzip];

    /// As HTTP and documents have it.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Zstd => "zstd",
            Algorithm::Brotli => "br",
            Algorithm::Gzip => "gzip",
        }
    }
}

/// Types of content: one, or all of a kind (`text/*`). In small letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaRange {
    /// One type.
    One(String),
    /// All that begin with this, which ends with a slash.
    Kind(String),
}

impl MediaRange {
    /// Whether it is among them.
    pub fn has(&self, media_type: &[u8]) -> bool {
        match self {
            MediaRange::One(one) => media_type.eq_ignore_ascii_case(one.as_bytes()),
            MediaRange::Kind(kind) => {
                media_type.get(..kind.len()).is_some_and(|front| front.eq_ignore_ascii_case(kind.as_bytes()))
            }
        }
    }

    fn parse(text: &str) -> Result<MediaRange, String> {
        let is_token = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
        };
        match text.split_once('/') {
            Some((kind, "*")) if is_token(kind) => Ok(MediaRange::Kind(format!("{}/", kind.to_ascii_lowercase()))),
            Some((kind, one)) if is_token(kind) && is_token(one) => Ok(MediaRange::One(text.to_ascii_lowercase())),
            _ => Err(format!("{text:?} is no type of content, like \"text/html\" or \"text/*\", without parameters")),
        }
    }
}

/// What is text, or like it: images, sound, films, archives and fonts of today are compressed already.
pub const TYPES: [&str; 13] = [
    "text/*",
    "application/atom+xml",
    "application/geo+json",
    "application/javascript",
    "application/json",
    "application/ld+json",
    "application/manifest+json",
    "application/problem+json",
    "application/rss+xml",
    "application/wasm",
    "application/xhtml+xml",
    "application/xml",
    "image/svg+xml",
];

/// Bytes: less fits into the first packet with its head as it is.
pub const MIN_SIZE: u64 = 1024;

const SIZE: RangeInclusive<u64> = 0..=1_048_576;

impl Default for CompressionConfig {
    fn default() -> CompressionConfig {
        CompressionConfig {
            algorithms: Algorithm::ALL.to_vec(),
            types: TYPES.iter().filter_map(|range| MediaRange::parse(range).ok()).collect(),
            min_size: MIN_SIZE,
            with_set_cookie: false,
        }
    }
}

/// The keys of `compression`.
pub(super) const KEYS: Keys =
    Keys { object: "services.NAME.compression", names: &["algorithms", "min_size", "types", "with_set_cookie"] };

/// Reads `compression` of a service.
pub(super) fn read(service: &Object<'_>) -> Read<Option<CompressionConfig>> {
    service.optional("compression", |value| {
        let default = CompressionConfig::default();
        let compression = value.object(&KEYS)?;
        let algorithms = compression.with_default("algorithms", default.algorithms, read_algorithms);
        let types = compression.with_default("types", default.types, |value| {
            let types = value.list("types", |value| value.parsed("a type of content", MediaRange::parse))?;
            value.at_least_one("type").map(|()| types)
        });
        let min_size = compression.with_default("min_size", default.min_size, |value| value.integer(SIZE));
        let with_set_cookie = compression.with_default("with_set_cookie", false, Value::boolean);
        Ok(CompressionConfig {
            algorithms: algorithms?,
            types: types?,
            min_size: min_size?,
            with_set_cookie: with_set_cookie?,
        })
    })
}

fn read_algorithms(value: &Value<'_>) -> Read<Vec<Algorithm>> {
    let mut distinct = Distinct::default();
    let names = Algorithm::ALL.map(|algorithm| (algorithm.name(), algorithm));
    let algorithms = value.list("algorithms", |value| {
        let algorithm = value.one_of(&names)?;
        distinct.claim(algorithm, &value.location, &format!("{:?}", algorithm.name()))?;
        Ok(algorithm)
    })?;
    value.at_least_one("algorithm").map(|()| algorithms)
}
