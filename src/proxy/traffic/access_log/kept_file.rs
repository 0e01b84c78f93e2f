//! The requests that failed, on disk: `requests.jsonl` in the state directory and, before that, `requests.1.jsonl`.
//!
//! A line of JSON each, as in the access log. Two processes may write at a time (a takeover): each appends whole batches, and looks
//! which file has the name before it does.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::kept::Kept;

/// How large a file grows before it becomes the older one of two, in bytes.
const LARGEST: u64 = 4 << 20;

pub(super) struct KeptFile {
    newest: PathBuf,
    older: PathBuf,
}

impl KeptFile {
    pub(super) fn new(state_dir: &Path) -> KeptFile {
        let [newest, older] = ["requests.jsonl", "requests.1.jsonl"].map(|name| state_dir.join(name));
        KeptFile { newest, older }
    }

    /// What the processes before this one have left. What cannot be read is left out: it must not keep a daemon from its start.
    pub(super) fn read_into(&self, kept: &mut Kept) {
        for path in [&self.older, &self.newest] {
            let mut text = Vec::new();
            let read = regular(OpenOptions::new().read(true), path);
            // A file is never much larger than it may become.
            if read.and_then(|file| file.take(2 * LARGEST).read_to_end(&mut text)).is_err() {
                continue;
            }
            // A line that is not whole, from a crash or a full disk, is left out.
            let whole = text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"}\n"));
            whole.for_each(|line| kept.add(line, true));
        }
    }

    /// Appends lines.
    pub(super) fn append(&self, lines: &[u8]) -> io::Result<()> {
        let open = || regular(OpenOptions::new().create(true).append(true).mode(0o600), &self.newest);
        let mut file = open()?;
        if file.metadata()?.len() + lines.len() as u64 > LARGEST {
            std::fs::rename(&self.newest, &self.older)?;
            file = open()?;
        }
        file.write_all(lines)
    }
}

/// A file that is one: a pipe of that name is not waited for.
fn regular(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let file = options.custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW).bits()).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other(format!("{} is no regular file", path.display()))),
    }
}

#[cfg(test)]
mod tests;
