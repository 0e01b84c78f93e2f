//! Bytes both ways between standard input and output and a socket, until both sides have ended.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread;

/// Copies until the socket's side ends. What standard input has still to say then is of no use to anybody.
pub(super) fn copy_both_ways(socket: UnixStream) -> io::Result<()> {
    let outward = socket.try_clone()?;
    // Not joined: it may wait for an input that never ends, and goes with the process.
    thread::spawn(move || {
        let _ = copy(&mut io::stdin().lock(), &mut &outward);
        let _ = outward.shutdown(Shutdown::Write);
    });
    copy(&mut &socket, &mut io::stdout().lock())
}

/// Each piece is passed on when it comes.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                to.write_all(&buffer[..length])?;
                to.flush()?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
