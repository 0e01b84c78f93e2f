//! Random bytes of the kernel's, for keys, secrets and nonces.
//!
//! From getrandom(2) and not from aws-lc-rs, whose generator takes 30 ms to begin: longer than all else in a daemon's start.

use std::io;

use rustix::rand::{GetRandomFlags, getrandom};

/// Fills `bytes`.
///
/// # Errors
///
/// The kernel gives none; that does not happen once the machine has booted.
pub fn fill(bytes: &mut [u8]) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match getrandom(&mut *rest, GetRandomFlags::empty()) {
            Ok(count) => rest = &mut rest[count..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
