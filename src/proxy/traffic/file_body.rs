//! A part of a file as the body of a response.
//!
//! What the kernel has in memory is read at once; what it has not, by a thread that may wait.

use std::fs::File;
use std::io::IoSliceMut;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use rustix::io::{ReadWriteFlags, preadv2};
use tokio::time::Instant;

use super::disk::{Disk, FolderDisk};
use super::socket::IdleTimer;
use super::stream::{BodySource, Piece, SourceError, Trailers};
use crate::proxy::target::response::FileContent;

/// How much is read at once, and held for a visitor who takes his time.
const CHUNK: u64 = 64 * 1024;

/// What is still to come of it.
pub struct FileBody {
    file: Arc<File>,
    at: u64,
    end: u64,
    /// What was read last.
    chunk: Vec<u8>,
    /// It was handed out.
    is_lent: bool,
    disk: FolderDisk,
}

impl FileBody {
    /// Nothing of it was read yet.
    pub fn new(content: FileContent, disk: &Disk) -> FileBody {
        let FileContent { file, part, folder } = content;
        let disk = disk.of(&folder);
        FileBody { file: Arc::new(file), at: part.start, end: part.end, chunk: Vec::new(), is_lent: false, disk }
    }

    /// Reads the next chunk, and gives how long it is.
    async fn read(&mut self) -> Option<usize> {
        let (mut chunk, at) = (std::mem::take(&mut self.chunk), self.at);
        chunk.resize(usize::try_from((self.end - at).min(CHUNK)).unwrap_or(usize::MAX), 0);
        let flags = ReadWriteFlags::NOWAIT;
        if let Ok(count @ 1..) = preadv2(&*self.file, &mut [IoSliceMut::new(&mut chunk)], at, flags) {
            self.chunk = chunk;
            return Some(count);
        }
        let file = Arc::clone(&self.file);
        let read = self.disk.wait_for(move || (file.read_at(&mut chunk, at), chunk)).await;
        let (count, chunk) = read?;
        self.chunk = chunk;
        count.ok()
    }
}

impl BodySource for FileBody {
    fn next(&mut self) -> Result<Piece<'_>, SourceError> {
        if std::mem::take(&mut self.is_lent) {
            self.chunk.clear();
        }
        if !self.chunk.is_empty() {
            self.is_lent = true;
            return Ok(Piece::Data(&self.chunk));
        }
        Ok(if self.at >= self.end { Piece::End(Trailers(&[])) } else { Piece::Wanting })
    }

    async fn fill(&mut self, timer: &mut IdleTimer<'_>, _: impl Fn() -> bool) -> Result<(), SourceError> {
        let until = Instant::now() + timer.idle;
        let count = tokio::select! { biased;
            count = self.read() => count,
            () = timer.alarm.wait(until) => return Err(SourceError::TimedOut),
        };
        match count {
            // It has become shorter than it was.
            None | Some(0) => Err(SourceError::Closed),
            Some(count) => {
                self.chunk.truncate(count);
                self.at += count as u64;
                Ok(())
            }
        }
    }

    /// A file never goes away by itself.
    async fn closed(&mut self, _: &mut IdleTimer<'_>, _: impl Fn() -> bool) {
        std::future::pending().await
    }
}
