//! Standard input, read with limits of time: whoever connects and says nothing, or says it byte by byte, keeps no process waiting.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Bytes that have to come in a second, on average, ...
const SLOWEST: u64 = 4096;

/// ... once this has passed since the beginning.
const GRACE: Duration = Duration::from_secs(120);

/// A file, a pipe or a socket that is waited for so long and no longer.
#[derive(Debug)]
pub(super) struct TimedReader {
    file: File,
    silence: Duration,
    begun: Instant,
    bytes: u64,
}

impl TimedReader {
    /// Standard input, which may pause for so long at most.
    ///
    /// # Errors
    ///
    /// It is closed.
    pub(super) fn standard_input(silence: Duration) -> io::Result<TimedReader> {
        Ok(TimedReader::new(io::stdin().as_fd().try_clone_to_owned()?, silence))
    }

    fn new(fd: OwnedFd, silence: Duration) -> TimedReader {
        TimedReader { file: File::from(fd), silence, begun: Instant::now(), bytes: 0 }
    }

    fn is_too_slow(&self) -> bool {
        let passed = self.begun.elapsed();
        passed > GRACE && self.bytes < passed.as_secs() * SLOWEST
    }
}

impl Read for TimedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let timed_out = |why: String| io::Error::new(ErrorKind::TimedOut, why);
        if self.is_too_slow() {
            return Err(timed_out(format!("received less than {SLOWEST} bytes per second")));
        }
        let limit = PollTimeout::try_from(self.silence).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)], limit) {
            Ok(0) => return Err(timed_out(format!("received nothing for {} s", self.silence.as_secs()))),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let length = self.file.read(buffer)?;
        self.bytes += length as u64;
        Ok(length)
    }
}

#[cfg(test)]
mod tests;
