//! `files` of a service: a folder whose files visitors get.

use std::fmt;
use std::path::PathBuf;

use crate::config::distinct::Distinct;
use crate::config::invalid::Invalid;
use crate::config::reader::{Keys, Read, Value};

/// The folder of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesConfig {
    /// Where it is. A symbolic link is followed with every request: what it leads to can be exchanged.
    pub folder: PathBuf,
    /// The names of the file that stands for a folder, the first one there counts. Default `["index.html"]`.
    pub index: Vec<String>,
    /// The path of the service is no part of the folder's: `/docs/a` is `a` in the folder of a service at `/docs`. Default false.
    pub strip_prefix: bool,
    /// Files beside others, of the same name with `.br`, `.zst` or `.gz` behind it, are those compressed. Default false.
    pub precompressed: bool,
    /// The file that answers for a path where there is none: the page of an application that knows its paths itself. Default: 404.
    pub fallback: Option<PathBuf>,
}

impl fmt::Display for FilesConfig {
    /// `files of /srv/www`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FilesConfig { folder, index, strip_prefix, precompressed, fallback } = self;
        write!(f, "files of {}, index {}", folder.display(), if index.is_empty() { "none" } else { "" })?;
        f.write_str(&index.join(", "))?;
        for (is_set, words) in [(*strip_prefix, ", strip_prefix"), (*precompressed, ", precompressed")] {
            f.write_str(if is_set { words } else { "" })?;
        }
        fallback.as_ref().map_or(Ok(()), |file| write!(f, ", fallback {}", file.display()))
    }
}

/// The keys of `files`.
pub(super) const KEYS: Keys =
    Keys { object: "services.NAME.files", names: &["fallback", "folder", "index", "precompressed", "strip_prefix"] };

/// Each is looked for with every request for a folder.
const MOST_INDEX: usize = 8;

/// Reads one.
pub(super) fn read(value: &Value<'_>) -> Read<FilesConfig> {
    let files = value.object(&KEYS)?;
    let folder = files.required("folder", Value::folder);
    let mut distinct = Distinct::default();
    let index = files.with_default("index", vec!["index.html".to_owned()], |value| {
        let names = value.list("names", |value| distinct.claim_parsed(value, "the name of a file", file_name))?;
        match names.len() > MOST_INDEX {
            true => Err(value.fault(format!("has {} names: at most {MOST_INDEX} are looked for", names.len()))),
            false => Ok(names),
        }
    });
    let strip_prefix = files.with_default("strip_prefix", false, Value::boolean);
    let precompressed = files.with_default("precompressed", false, Value::boolean);
    let fallback = files.optional("fallback", |value| value.parsed("the path of a file in the folder", below));
    Ok(FilesConfig {
        folder: folder?,
        index: index?,
        strip_prefix: strip_prefix?,
        precompressed: precompressed?,
        fallback: fallback?,
    })
}

fn file_name(text: &str) -> Result<String, Invalid> {
    match text.is_empty() || text.contains(['/', '\0']) || text.starts_with('.') {
        true => {
            Err(Invalid::new(text, "is not the name of a file: expected one without \"/\", and without a dot in front"))
        }
        false => Ok(text.to_owned()),
    }
}

fn below(text: &str) -> Result<PathBuf, Invalid> {
    let segments = || text.split('/');
    match text.contains('\0') || segments().any(|segment| segment.is_empty() || segment.starts_with('.')) {
        true => Err(Invalid::new(text, "is not the path of a file in the folder: expected like \"app/index.html\"")),
        false => Ok(PathBuf::from(text)),
    }
}
