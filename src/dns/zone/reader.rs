//! From files to records: directives, includes, and what an entry may leave out (RFC 1035, 5.1; RFC 2308, 4).
//!
//! Opens files and reads them; whether the records make a zone is for [`super::check`].

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::escape::quote;
use super::lexer::{Entry, Lexer, Text};
use super::rdata::{self, types};
use super::report::{self, Report};
use super::words::Words;
use super::{ZoneRecord, name, ttl};

/// Files that include files that include files … the main file is the first.
const DEEPEST: usize = 10;

/// `$INCLUDE`s followed in one zone, the same file counted each time.
const MOST_INCLUDES: usize = 1000;

/// What the files hold.
pub struct Reading {
    /// The main file first.
    pub files: Vec<PathBuf>,
    /// In the order of the files.
    pub records: Vec<ZoneRecord>,
    /// What could not be read.
    pub report: Report,
}

/// Reads the main file and all it includes.
pub fn read(apex: &[u8], file: &Path) -> Reading {
    match fs::read(file) {
        Ok(text) => read_text(apex, file, &text),
        Err(error) => {
            let mut reading = Reading { files: Vec::new(), records: Vec::new(), report: Report::default() };
            let message = format!("cannot be read: {}", in_words(&error));
            reading.report.add(file, None, String::new(), message);
            reading
        }
    }
}

/// The same with the main file's text at hand.
pub fn read_text(apex: &[u8], file: &Path, text: &[u8]) -> Reading {
    let mut reader = Reader {
        apex,
        read: Reading { files: Vec::new(), records: Vec::new(), report: Report::default() },
        default_ttl: None,
        last_ttl: None,
        includes: 0,
        open: Vec::new(),
    };
    reader.file(file, text, apex.to_vec());
    reader.read
}

struct Reader<'z> {
    apex: &'z [u8],
    read: Reading,
    /// Of the last `$TTL`, in whichever file.
    default_ttl: Option<u32>,
    /// Of the last record that had one.
    last_ttl: Option<u32>,
    includes: usize,
    /// The files being read, the main file first, by their true paths.
    open: Vec<PathBuf>,
}

/// What holds within one file and ends with it.
struct Scope<'f> {
    path: &'f Path,
    file: u16,
    origin: Vec<u8>,
    owner: Owner,
}

/// Whom a record belongs to that begins with white space.
enum Owner {
    /// No record stands above it in this file.
    None,
    /// The name above it could not be taken, and that has been reported.
    Refused,
    Known(Vec<u8>),
}

/// Why an entry gives no record: its path and message, or nothing when that has been said before.
type Refusal = Option<(String, String)>;

impl Reader<'_> {
    fn file(&mut self, path: &Path, text: &[u8], origin: Vec<u8>) {
        if let Some(at) = memchr::memchr(0, text) {
            let line = 1 + memchr::memchr_iter(b'\n', &text[..at]).count();
            let message = "a byte with the value 0: this is no text file".to_owned();
            self.read.report.add(path, u32::try_from(line).ok(), String::new(), message);
            return;
        }
        self.open.push(true_path(path));
        let mut scope = Scope { path, file: self.number(path), origin, owner: Owner::None };
        for entry in Lexer::new(text) {
            if self.read.report.is_full() {
                self.read.report.stop();
                break;
            }
            match entry {
                Ok(entry) => self.entry(&mut scope, &entry),
                Err(fault) => {
                    if !fault.indented {
                        scope.owner = Owner::Refused;
                    }
                    self.read.report.add(path, Some(fault.line), String::new(), fault.message);
                }
            }
        }
        self.open.pop();
    }

    /// The file's place in the list of files.
    fn number(&mut self, path: &Path) -> u16 {
        let files = &mut self.read.files;
        let at = files.iter().position(|file| file == path).unwrap_or_else(|| {
            files.push(path.to_owned());
            files.len() - 1
        });
        u16::try_from(at).expect("MOST_INCLUDES bounds the files")
    }

    fn entry(&mut self, scope: &mut Scope<'_>, entry: &Entry<'_>) {
        let mut words = Words::new(&entry.tokens, entry.line);
        let done = match words.peek_word() {
            Some(word) if word.starts_with(b"$") => {
                self.directive(scope, &mut words).map_err(|message| Some((shown(word), message)))
            }
            _ => self.record(scope, entry, &mut words),
        };
        if let Err(Some((path, message))) = done {
            self.read.report.add(scope.path, Some(words.line()), path, message);
        }
    }

    fn directive(&mut self, scope: &mut Scope<'_>, words: &mut Words<'_, '_>) -> Result<(), String> {
        match words.word()?.to_ascii_uppercase().as_slice() {
            b"$ORIGIN" => {
                let origin = required(words, "the new origin").and_then(|word| name::parse(word, &scope.origin))?;
                words.finish()?;
                scope.origin = origin;
                Ok(())
            }
            b"$TTL" => {
                let ttl = required(words, "the TTL").and_then(ttl::parse)?;
                words.finish()?;
                self.default_ttl = Some(ttl);
                Ok(())
            }
            b"$INCLUDE" => self.include(scope, words),
            b"$GENERATE" => {
                Err("is an extension of BIND that is not read here: write the records out, one by one".to_owned())
            }
            _ => Err("is no directive: $ORIGIN, $TTL and $INCLUDE are".to_owned()),
        }
    }

    fn include(&mut self, scope: &Scope<'_>, words: &mut Words<'_, '_>) -> Result<(), String> {
        if words.is_empty() {
            return Err("the file's name is missing".to_owned());
        }
        let spelt = words.string()?;
        let origin = match words.is_empty() {
            true => scope.origin.clone(),
            false => name::parse(words.word()?, &scope.origin)?,
        };
        words.finish()?;
        let path = beside(scope.path, &spelt)?;
        if self.open.contains(&true_path(&path)) {
            return Err(format!("{} is being read already: it includes itself", path.display()));
        }
        if self.open.len() >= DEEPEST {
            return Err(format!("{} is not read: includes are nested more than {DEEPEST} deep", path.display()));
        }
        if self.includes >= MOST_INCLUDES {
            return Err(format!("{} is not read: more than {MOST_INCLUDES} includes in a zone", path.display()));
        }
        self.includes += 1;
        let text =
            fs::read(&path).map_err(|error| format!("{} cannot be read: {}", path.display(), in_words(&error)))?;
        self.file(&path, &text, origin);
        Ok(())
    }

    fn record(&mut self, scope: &mut Scope<'_>, entry: &Entry<'_>, words: &mut Words<'_, '_>) -> Result<(), Refusal> {
        if !entry.indented {
            scope.owner = Owner::Refused;
            scope.owner = Owner::Known(self.owner(&scope.origin, words).map_err(|why| Some((String::new(), why)))?);
        }
        let owner = match &scope.owner {
            Owner::Known(owner) => owner,
            Owner::Refused => return Err(None),
            Owner::None => {
                let message = "the line begins with white space, so that it has the owner of the record above, but no \
                               record stands above it in this file";
                return Err(Some((String::new(), message.to_owned())));
            }
        };
        let about = |message| Some((name::show(owner), message));
        let head = head(words).map_err(about)?;
        let about = |message| Some((report::about(owner, head.rtype), message));
        let given = head.ttl.inspect(|ttl| self.last_ttl = Some(*ttl));
        let rdata = rdata::read(head.rtype, words, &scope.origin).map_err(about)?;
        let Some(ttl) = given.or(self.default_ttl).or(self.last_ttl) else {
            // Said once: the records that follow have the same complaint and the same cure.
            self.default_ttl = Some(0);
            return Err(about("has no TTL, and no $TTL stands above it: begin the file with, say, $TTL 1h".to_owned()));
        };
        self.read.records.push(ZoneRecord {
            owner: owner.clone().into_boxed_slice(),
            rtype: head.rtype,
            ttl,
            rdata: rdata.into_boxed_slice(),
            file: scope.file,
            line: entry.line,
        });
        Ok(())
    }

    fn owner(&self, origin: &[u8], words: &mut Words<'_, '_>) -> Result<Vec<u8>, String> {
        let owner = words.word().map_err(|why| format!("the owner: {why}"))?;
        let owner = name::parse(owner, origin)?;
        if name::is_within(&owner, self.apex) {
            return Ok(owner);
        }
        Err(format!("{} lies outside of the zone {}", name::show(&owner), name::show(self.apex)))
    }
}

/// A directive as a finding names it: in upper case, or quoted where it is no word that could be one.
fn shown(directive: &[u8]) -> String {
    const LONGEST: usize = 20;
    let plain = directive.len() <= LONGEST && directive.iter().skip(1).all(u8::is_ascii_alphanumeric);
    if plain { String::from_utf8_lossy(directive).to_ascii_uppercase() } else { quote(directive) }
}

/// What stands between a record's owner and its data.
struct Head {
    ttl: Option<u32>,
    rtype: u16,
}

/// TTL and class in either order, both optional, and the type.
fn head(words: &mut Words<'_, '_>) -> Result<Head, String> {
    let mut ttl = None;
    let mut class_seen = false;
    while let Some(word) = words.peek_word() {
        if word.first().is_some_and(u8::is_ascii_digit) && ttl.is_none() {
            let _ = words.token();
            ttl = Some(ttl::parse(word).map_err(|why| format!("the TTL: {why}"))?);
        } else if let Some(class) = class(word).filter(|_| !class_seen) {
            let _ = words.token();
            class_seen = true;
            if class != IN {
                return Err(format!("class {}: only class IN is served", String::from_utf8_lossy(word)));
            }
        } else {
            let _ = words.token();
            return types::parse(word).map(|rtype| Head { ttl, rtype });
        }
    }
    match words.token() {
        None => Err("the type is missing".to_owned()),
        Some(Text::Word(text) | Text::Quoted(text) | Text::Pair(text, _)) => {
            Err(format!("{} stands where the type should", quote(text)))
        }
    }
}

const IN: u16 = 1;

/// RFC 1035, 3.2.4, and RFC 3597, 5.
fn class(word: &[u8]) -> Option<u16> {
    match word.to_ascii_uppercase().as_slice() {
        b"IN" => Some(IN),
        b"CS" => Some(2),
        b"CH" => Some(3),
        b"HS" => Some(4),
        upper => std::str::from_utf8(upper.strip_prefix(b"CLASS")?).ok()?.parse().ok(),
    }
}

fn required<'a>(words: &mut Words<'_, 'a>, what: &str) -> Result<&'a [u8], String> {
    if words.is_empty() { Err(format!("{what} is missing")) } else { words.word() }
}

/// A path relative to the file that names it.
fn beside(file: &Path, spelt: &[u8]) -> Result<PathBuf, String> {
    let spelt = std::str::from_utf8(spelt).map_err(|_| format!("{} is not UTF-8", quote(spelt)))?;
    Ok(file.parent().map_or_else(|| PathBuf::from(spelt), |folder| folder.join(spelt)))
}

/// Equal for two ways of naming one file, so that a loop is seen for what it is.
fn true_path(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn in_words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}
