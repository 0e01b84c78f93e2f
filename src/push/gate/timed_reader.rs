//! Standard input with time limits, so that a silent or very slow caller does not keep a process.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// The lowest average rate, in bytes per second, ...
const SLOWEST: u64 = 4096;

/// ... which is required once this time has passed.
const GRACE: Duration = Duration::from_secs(120);

/// A file, a pipe or a socket with time limits.
#[derive(Debug)]
pub(super) struct TimedReader {
    file: File,
    silence: Duration,
    begun: Instant,
    bytes: u64,
}

impl TimedReader {
    /// Standard input, which may pause for `silence` at most.
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
