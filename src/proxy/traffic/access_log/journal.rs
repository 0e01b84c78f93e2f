//! Requests as entries of systemd's journal, in its native protocol: a datagram an entry, a line a field.
//!
//! A text that somebody has chosen is escaped, so that no field holds the end of a line, and none has to be sent in the protocol's
//! other form. Must never: send what the journal would take for several entries.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::field::Field;
use super::line::{Fields, Record, Weight, each, or};
use super::text::{self, bare, escaped, join, put};
use crate::config::proxy::AskedFields;

/// What all of these entries have in common, and no other entry has: `journalctl MESSAGE_ID=...` shows them alone.
const MESSAGE_ID: &str = "b31f5cf0a9de4f2bb2a17c07f6f3c8d4";

/// A longer text is cut: the kernel takes datagrams of some 200 KiB, and an entry is to fit whatever a visitor sends.
const LONGEST: usize = 8 * 1024;

/// How long the journal may take for an entry.
const PATIENCE: Duration = Duration::from_secs(1);

/// Adds the entry of a request, its length before it.
pub(super) fn entry(out: &mut Vec<u8>, record: &Record<'_>, asked: AskedFields, weight: Weight) {
    let begin = out.len();
    out.extend_from_slice(&[0; 4]);
    // As syslog counts: warning, and info.
    let priority = if weight == Weight::Failed { "4" } else { "6" };
    let head = ["PRIORITY=", priority, "\nSYSLOG_IDENTIFIER=polder-proxy\nMESSAGE_ID=", MESSAGE_ID, "\n"];
    join(out, &head);
    let mut entry = Entry { out, times: [0; 5] };
    each(record, asked, &mut entry);
    let times = entry.times;
    out.extend_from_slice(b"TIMES");
    for (before, time) in b"=////".iter().zip(times) {
        out.push(*before);
        text::number(out, time);
    }
    out.extend_from_slice(b"\nMESSAGE=");
    message(out, record, times[4]);
    out.push(b'\n');
    let length = u32::try_from(out.len() - begin - 4).unwrap_or(u32::MAX);
    out[begin..begin + 4].copy_from_slice(&length.to_le_bytes());
}

/// For people: `GET www.example.net/cart: 503 in 3 ms, www/web1, SC: no backend was usable`. Without the query: it may hold secrets.
fn message(out: &mut Vec<u8>, record: &Record<'_>, ta: i64) {
    let trace = record.trace;
    bare(out, cut(or(record.method(), b"no request")));
    out.push(b' ');
    bare(out, cut(record.host()));
    bare(out, cut(record.path()));
    out.extend_from_slice(b": ");
    text::number(out, trace.status);
    out.extend_from_slice(b" in ");
    text::number(out, ta);
    out.extend_from_slice(b" ms");
    if !record.service().is_empty() {
        join(out, &[", ", record.service()]);
        if !record.backend().is_empty() {
            join(out, &["/", record.backend()]);
        }
    }
    if trace.end.code() != "--" {
        join(out, &[", ", trace.end.code(), ": ", trace.end.cause()]);
    }
}

fn cut(text: &[u8]) -> &[u8] {
    &text[..text.len().min(LONGEST)]
}

/// Writes fields as lines, under their names in capitals; the five times are one field.
struct Entry<'o> {
    out: &'o mut Vec<u8>,
    times: [i64; 5],
}

impl Entry<'_> {
    fn key(&mut self, field: Field) {
        self.out.extend(field.name().bytes().map(|byte| byte.to_ascii_uppercase()));
        self.out.push(b'=');
    }
}

impl Fields for Entry<'_> {
    fn text(&mut self, field: Field, value: &[u8]) {
        if !value.is_empty() {
            self.key(field);
            let is_plain = |byte| matches!(byte, b' '..=b'~') && byte != b'\\';
            escaped(self.out, cut(value), is_plain, |out, byte| put(out, format_args!("\\x{byte:02x}")));
            self.out.push(b'\n');
        }
    }

    fn number(&mut self, field: Field, value: i64) {
        const TIMES: [Field; 5] = [Field::Tq, Field::Tw, Field::Tc, Field::Tr, Field::Ta];
        match TIMES.iter().position(|time| *time == field) {
            Some(place) => self.times[place] = value,
            None => {
                self.key(field);
                text::number(self.out, value);
                self.out.push(b'\n');
            }
        }
    }

    fn word(&mut self, field: Field, value: &str) {
        self.key(field);
        join(self.out, &[value, "\n"]);
    }

    /// The journal has the time.
    fn moment(&mut self, _: Field, _: Timestamp) {}

    fn peer(&mut self, field: Field, value: SocketAddr) {
        self.key(field);
        text::peer(self.out, value);
        self.out.push(b'\n');
    }
}

/// The journal's socket.
pub(super) struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Journal {
    pub(super) fn connect(path: &Path) -> io::Result<Journal> {
        let journal = Journal::unconnected(path)?;
        journal.socket.connect(path)?;
        Ok(journal)
    }

    /// One that connects when there is something to send.
    pub(super) fn unconnected(path: &Path) -> io::Result<Journal> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Journal { socket, path: path.to_owned() })
    }

    /// Sends entries, each with its length before it. The rest is given up with the first that is not taken: a journal that hangs is
    /// not waited for again and again.
    pub(super) fn send(&mut self, mut entries: &[u8]) -> io::Result<()> {
        while let Some((length, rest)) = entries.split_first_chunk() {
            let (entry, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).unwrap_or((rest, &[]));
            self.send_one(entry)?;
            entries = rest;
        }
        Ok(())
    }

    fn send_one(&mut self, entry: &[u8]) -> io::Result<()> {
        match self.socket.send(entry) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                Err(io::Error::new(ErrorKind::TimedOut, "it has not taken an entry for 1 s"))
            }
            // It has been started anew: its socket is another one. Or it was not there yet.
            Err(_) => {
                *self = Journal::connect(&self.path)?;
                self.socket.send(entry).map(drop)
            }
        }
    }
}

#[cfg(test)]
mod tests;
