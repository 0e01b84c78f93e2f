//! From files to records: directives, includes, and what an entry may leave out (RFC 1035, 5.1; RFC 2308, 4).
//!
//! Opens files and reads them (through [`ZoneFolder`]); whether the records make a zone is for [`super::check`].

use std::path::{Path, PathBuf};

use crate::config::dns::Checks;

use super::escape::quote;
use super::fault::Fault;
use super::folder::{FileIdentity, Fingerprint, Opened, ZoneFolder};
use super::generate::{self, Template};
use super::lexer::{Entry, Lexer, Text};
use super::number::{CLASS_IN, rtype};
use super::rdata::{self, types};
use super::record::{Records, TooMuch, ZoneRecord};
use super::report::{self, Report};
use super::words::Words;
use super::{name, ttl};

/// The deepest nesting of `$INCLUDE`s, the main file counted.
const DEEPEST: usize = 10;

/// `$INCLUDE`s followed in one zone, the same file counted each time.
const MOST_INCLUDES: usize = 1000;

/// Records that `$GENERATE` may make in one zone: as many as a /12 of IPv4 has addresses.
const MOST_GENERATED: u32 = 1 << 20;

/// Bytes of text that all `$GENERATE` of a zone may make: a line of a file may be as long as a record.
const MOST_GENERATED_BYTES: usize = 256 << 20;

/// The warning about records of a zone that is signed as zones were before 2005.
const OBSOLETE: &str =
    "belongs to a zone that is signed by rules from before RFC 4034, and is left out, as are all others of this type";

/// The one finding for a file of which nothing could be read: its content is not shown.
const NO_ZONE: &str = "no line of this file is a record or a directive of a zone, as \"www 1h IN A 192.0.2.1\" and \"$TTL 1h\" are; \
                       its text is not shown here";

/// The result of reading the files of a zone.
pub struct Reading {
    /// The files that were read, the main file first.
    pub files: Vec<PathBuf>,
    /// The records, in the order of the files.
    pub records: Records,
    /// The findings.
    pub report: Report,
    /// What was read, if that was files.
    pub fingerprint: Option<Fingerprint>,
}

/// Reads the main file and all it includes.
pub fn read(apex: &[u8], file: &Path, checks: Checks) -> Reading {
    let mut reader = Reader::new(apex, ZoneFolder::of(file).map(Some), checks);
    let main = file.file_name().map_or(Path::new(""), Path::new);
    match reader.open(main) {
        Ok(opened) => reader.file(Source { path: file, relative: main }, &opened.text, opened.identity, apex.to_vec()),
        Err(why) => reader.read.report.add(file, None, String::new(), format!("cannot be read: {why}")),
    }
    let fingerprint = reader.folder.ok().flatten().map(ZoneFolder::fingerprint);
    Reading { fingerprint, ..reader.read }
}

/// The same with the main file's text at hand. There are no files beside it: it can include none.
pub fn read_text(apex: &[u8], file: &Path, text: &[u8], checks: Checks) -> Reading {
    let mut reader = Reader::new(apex, Ok(None), checks);
    reader.file(Source { path: file, relative: file }, text, FileIdentity::default(), apex.to_vec());
    reader.read
}

struct Reader<'z> {
    apex: &'z [u8],
    read: Reading,
    /// The zone's folder; `None` for a text alone; or why the folder cannot be opened.
    folder: Result<Option<ZoneFolder>, Fault>,
    /// The TTL of the last `$TTL`, in any file.
    default_ttl: Option<u32>,
    /// The TTL of the last record that stated one.
    last_ttl: Option<u32>,
    /// The obsolete types that records were left out of.
    left_out: Vec<u16>,
    /// Records that `$GENERATE` has made.
    generated: u32,
    generated_bytes: usize,
    includes: usize,
    /// The files being read, the main file first.
    open: Vec<FileIdentity>,
}

/// A file of the zone.
#[derive(Clone, Copy)]
struct Source<'f> {
    /// The path that findings show.
    path: &'f Path,
    /// The path relative to the zone's folder.
    relative: &'f Path,
}

/// What holds within one file and ends with it.
struct Scope<'f> {
    source: Source<'f>,
    file: u16,
    origin: Vec<u8>,
    owner: Owner,
    /// A record or a directive of it could be read: the file is a zone's.
    is_zone: bool,
}

/// The owner of a record whose line begins with white space.
enum Owner {
    /// No record stands above it in this file.
    None,
    /// The name above it could not be taken, and that has been reported.
    Refused,
    Known(Vec<u8>),
}

/// Why an entry gives no record: the path and the fault of the finding, or none if that has been reported already.
type Rejection = Option<(String, Fault)>;

impl Reader<'_> {
    fn new(apex: &[u8], folder: Result<Option<ZoneFolder>, Fault>, checks: Checks) -> Reader<'_> {
        Reader {
            apex,
            read: Reading {
                files: Vec::new(),
                records: Records::default(),
                report: Report::new(checks),
                fingerprint: None,
            },
            folder,
            default_ttl: None,
            last_ttl: None,
            left_out: Vec::new(),
            generated: 0,
            generated_bytes: 0,
            includes: 0,
            open: Vec::new(),
        }
    }

    fn open(&mut self, relative: &Path) -> Result<Opened, Fault> {
        match &mut self.folder {
            Ok(Some(folder)) => folder.read(relative),
            Ok(None) => Err("the zone came as a text alone, with no files beside it".into()),
            Err(why) => Err(why.clone()),
        }
    }

    fn file(&mut self, source: Source<'_>, text: &[u8], identity: FileIdentity, origin: Vec<u8>) {
        if let Some(at) = memchr::memchr(0, text) {
            let line = 1 + memchr::memchr_iter(b'\n', &text[..at]).count();
            let message = "a byte with the value 0: this is no text file".to_owned();
            self.read.report.add(source.path, u32::try_from(line).ok(), String::new(), message);
            return;
        }
        self.open.push(identity);
        let before = self.read.report.mark();
        let file = self.number(source.path);
        let mut scope = Scope { source, file, origin, owner: Owner::None, is_zone: false };
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
                    self.read.report.add(source.path, Some(fault.line), String::new(), fault.message);
                }
            }
        }
        if !scope.is_zone {
            // The file may be a secret: a key, a list of passwords.
            self.read.report.withhold(before, source.path, NO_ZONE);
        }
        self.open.pop();
    }

    /// The file's index in the list of files.
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
        let (path, done) = match words.peek_word() {
            Some(word) if word.starts_with(b"$") => {
                let done = self.directive(scope, entry.line, &mut words);
                (shown(word), done.map_err(|fault| Some((shown(word), fault))))
            }
            _ => {
                let done = self.record(scope, entry, &mut words);
                (done.as_ref().map_or_else(|_| String::new(), |rtype| scope.about(*rtype)), done.map(drop))
            }
        };
        self.conclude(scope, &words, path, done);
    }

    /// Reports what came of an entry.
    fn conclude(&mut self, scope: &mut Scope<'_>, words: &Words<'_, '_>, path: String, done: Result<(), Rejection>) {
        let (report, file) = (&mut self.read.report, scope.source.path);
        for warning in &words.warnings {
            report.warn(file, Some(words.line()), path.clone(), warning.to_string());
        }
        match done {
            Ok(()) => scope.is_zone = true,
            Err(Some((path, fault))) => report.add(file, Some(words.line()), path, fault.to_string()),
            Err(None) => {}
        }
    }

    fn directive(&mut self, scope: &mut Scope<'_>, line: u32, words: &mut Words<'_, '_>) -> Result<(), Fault> {
        let directive = words.word()?.to_ascii_uppercase();
        // No other kind of file begins a line with one of these words.
        scope.is_zone |= matches!(directive.as_slice(), b"$ORIGIN" | b"$TTL" | b"$INCLUDE" | b"$GENERATE");
        match directive.as_slice() {
            b"$ORIGIN" => {
                let origin = required(words, "the new origin")?.name(&scope.origin)?;
                words.finish()?;
                scope.origin = origin;
                Ok(())
            }
            b"$TTL" => {
                let ttl = required(words, "the TTL")?.ttl()?;
                words.finish()?;
                self.default_ttl = Some(ttl);
                Ok(())
            }
            b"$INCLUDE" => self.include(scope, words),
            b"$GENERATE" => self.generate(scope, line, words),
            _ => Err("is no directive: $ORIGIN, $TTL, $INCLUDE and $GENERATE are".into()),
        }
    }

    fn include(&mut self, scope: &Scope<'_>, words: &mut Words<'_, '_>) -> Result<(), Fault> {
        if words.is_empty() {
            return Err("the file's name is missing".into());
        }
        let spelt = words.string()?;
        let origin = match words.is_empty() {
            true => scope.origin.clone(),
            false => words.name(&scope.origin)?,
        };
        words.finish()?;
        let (path, relative) = self.beside(scope.source, &spelt)?;
        if self.includes >= MOST_INCLUDES {
            return Err(format!("{} is not read: more than {MOST_INCLUDES} includes in a zone", path.display()).into());
        }
        if self.open.len() >= DEEPEST {
            return Err(format!("{} is not read: includes are nested more than {DEEPEST} deep", path.display()).into());
        }
        self.includes += 1;
        let opened = self.open(&relative).map_err(|why| format!("{} cannot be read: {why}", path.display()))?;
        if self.open.contains(&opened.identity) {
            return Err(format!("{} is being read already: it includes itself", path.display()).into());
        }
        self.file(Source { path: &path, relative: &relative }, &opened.text, opened.identity, origin);
        Ok(())
    }

    /// A path relative to the file that names it, or an absolute one: as findings name it, and from the zone's folder.
    fn beside(&self, from: Source<'_>, spelt: &[u8]) -> Result<(PathBuf, PathBuf), Fault> {
        let spelt = std::str::from_utf8(spelt).map_err(|_| format!("{} is not UTF-8", quote(spelt)))?;
        let joined = |file: &Path| file.parent().map_or_else(|| PathBuf::from(spelt), |folder| folder.join(spelt));
        let folder = self.folder.as_ref().ok().and_then(Option::as_ref);
        let relative = folder.and_then(|folder| folder.relative(Path::new(spelt)));
        Ok((joined(from.path), relative.unwrap_or_else(|| joined(from.relative))))
    }

    /// BIND's `$GENERATE START-STOP[/STEP] OWNER [TTL] [CLASS] TYPE DATA`: one record for each number.
    fn generate(&mut self, scope: &mut Scope<'_>, line: u32, words: &mut Words<'_, '_>) -> Result<(), Fault> {
        if words.is_empty() {
            return Err("the range is missing, as in 1-127".into());
        }
        let numbers = generate::range(words.word().map_err(|why| why.within("the range"))?)?;
        let template = Template::new(words)?;
        for number in numbers {
            self.generated += 1;
            if self.generated > MOST_GENERATED {
                return Err(format!("more than {MOST_GENERATED} records are generated in this zone").into());
            }
            let text = template.entry(number)?;
            self.generated_bytes += text.len();
            if self.generated_bytes > MOST_GENERATED_BYTES {
                return Err(format!("more than {MOST_GENERATED_BYTES} bytes are generated in this zone").into());
            }
            let Some(entry) = Lexer::new(&text).next() else { continue };
            let entry = Entry { line, ..entry.map_err(|fault| fault.message)? };
            let mut made = Words::new(&entry.tokens, line);
            match self.record(scope, &entry, &mut made) {
                Ok(_) => words.warnings.append(&mut made.warnings),
                Err(Some((path, fault))) => return Err(fault.within(path).within(format!("for {number}"))),
                Err(None) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Reads a record. Gives its type.
    fn record(
        &mut self,
        scope: &mut Scope<'_>,
        entry: &Entry<'_>,
        words: &mut Words<'_, '_>,
    ) -> Result<u16, Rejection> {
        if !entry.indented {
            scope.owner = Owner::Refused;
            scope.owner = Owner::Known(owner(words, &scope.origin).map_err(|fault| Some((String::new(), fault)))?);
        }
        let owner = match &scope.owner {
            Owner::Known(owner) => owner,
            Owner::Refused => return Err(None),
            Owner::None => {
                let message = "the line begins with white space, so that it has the owner of the record above, but no \
                               record stands above it in this file";
                return Err(Some((String::new(), message.into())));
            }
        };
        let about = |fault: Fault| Some((name::to_absolute_text(owner), fault));
        let head = head(words).map_err(about)?;
        let about = |fault: Fault| Some((report::about(owner, head.rtype), fault));
        let given = head.ttl.inspect(|ttl| self.last_ttl = Some(*ttl));
        if types::is_obsolete(head.rtype) {
            // Once for all records of the type: such a zone has as many of them as others.
            if !self.left_out.contains(&head.rtype) {
                self.left_out.push(head.rtype);
                words.warnings.push(OBSOLETE.into());
            }
            return Ok(head.rtype);
        }
        let rdata = rdata::read(head.rtype, words, &scope.origin).map_err(about)?;
        if !name::is_within(owner, self.apex) {
            let apex = name::to_absolute_text(self.apex);
            words.warnings.push(format!("lies outside of the zone {apex} and is left out").into());
            return Ok(head.rtype);
        }
        let minimum = rdata.last_chunk().filter(|_| head.rtype == rtype::SOA);
        let minimum = minimum.map(|bytes| u32::from_be_bytes(*bytes).min(ttl::MOST));
        let ttl = match (given.or(self.default_ttl).or(self.last_ttl), minimum) {
            (Some(ttl), _) => ttl,
            (None, Some(minimum)) => {
                let message =
                    "has no TTL, and no $TTL stands above it: its last field counts for all records without one";
                words.warnings.push(message.into());
                self.default_ttl = Some(minimum);
                minimum
            }
            (None, None) => {
                // Reported once: the records that follow have the same fault and the same remedy.
                self.default_ttl = Some(0);
                return Err(about(
                    "has no TTL, and neither $TTL nor the SOA stands above it: begin the file with, say, $TTL 1h"
                        .into(),
                ));
            }
        };
        let (rtype, file, line) = (head.rtype, scope.file, entry.line);
        let kept = self.read.records.push(ZoneRecord { owner, rtype, ttl, rdata: &rdata, file, line });
        kept.map_err(|TooMuch| about("with it the zone would take more than 4 GiB of memory".into()))?;
        Ok(rtype)
    }
}

impl Scope<'_> {
    /// The path of a finding about the record read last.
    fn about(&self, rtype: u16) -> String {
        match &self.owner {
            Owner::Known(owner) => report::about(owner, rtype),
            Owner::None | Owner::Refused => String::new(),
        }
    }
}

fn owner(words: &mut Words<'_, '_>, origin: &[u8]) -> Result<Vec<u8>, Fault> {
    if words.peek_word().is_none() {
        words.word().map_err(|why| why.within("the owner"))?;
    }
    words.name(origin)
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
fn head(words: &mut Words<'_, '_>) -> Result<Head, Fault> {
    let mut ttl = None;
    let mut class_seen = false;
    while let Some(word) = words.peek_word() {
        if word.first().is_some_and(u8::is_ascii_digit) && ttl.is_none() {
            ttl = Some(words.ttl().map_err(|why| why.within("the TTL"))?);
        } else if let Some(class) = class(word).filter(|_| !class_seen) {
            let _ = words.token();
            class_seen = true;
            if class != CLASS_IN {
                return Err(format!("class {}: only class IN is served", String::from_utf8_lossy(word)).into());
            }
        } else {
            let _ = words.token();
            return types::parse(word).map(|rtype| Head { ttl, rtype });
        }
    }
    match words.token() {
        None => Err("the type is missing".into()),
        Some(Text::Word(text) | Text::Quoted(text) | Text::Pair(text, _)) => Err(format!(
            "{} stands where the type should: expected a type like A, AAAA or CNAME, without quotes",
            quote(text)
        )
        .into()),
    }
}

/// RFC 1035, 3.2.4, and RFC 3597, 5.
fn class(word: &[u8]) -> Option<u16> {
    match word.to_ascii_uppercase().as_slice() {
        b"IN" => Some(CLASS_IN),
        b"CS" => Some(2),
        b"CH" => Some(3),
        b"HS" => Some(4),
        upper => std::str::from_utf8(upper.strip_prefix(b"CLASS")?).ok()?.parse().ok(),
    }
}

/// The words themselves, or that they have come to their end before this.
fn required<'w, 't, 'a>(words: &'w mut Words<'t, 'a>, what: &str) -> Result<&'w mut Words<'t, 'a>, Fault> {
    if words.is_empty() { Err(format!("{what} is missing").into()) } else { Ok(words) }
}
