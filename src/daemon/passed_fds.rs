//! Descriptors that pass between processes: inherited at exec, or sent over a Unix socket (SCM_RIGHTS).
//!
//! Owns the only unsafe code of polder: the one step from a number to a descriptor somebody owns. What a
//! Unix socket brings arrives owned already (rustix). Called by `fd_store` and `takeover`, and by
//! the demo's service manager.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};

/// The most descriptors in one message: below the kernel's SCM_MAX_FD (253, unix(7)).
pub(super) const MOST_PER_MESSAGE: usize = 250;

/// Owns the descriptor with this number. To be called at most once for a number, for an open descriptor that came with the
/// process and that nothing in it owns.
pub(super) fn own(number: RawFd) -> OwnedFd {
    // SAFETY: the descriptor is open, as `sd_notify::listen_fds` has seen, which marked it close-on-exec. It is ours alone:
    // whoever started this process put it there for us (LISTEN_PID names us), and `fd_store::receive` calls this once for
    // each, before the process opens anything of its own.
    #[allow(unsafe_code)]
    unsafe {
        OwnedFd::from_raw_fd(number)
    }
}

/// Sends `bytes` with these descriptors (at most [`MOST_PER_MESSAGE`]) in one message. Returns how many bytes went.
pub(super) fn send(socket: impl AsFd, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_PER_MESSAGE))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "too many descriptors for one message"));
    }
    Ok(rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?)
}

/// Receives up to `bytes.len()` bytes with the descriptors that come with them, close-on-exec. An error if the kernel had
/// to drop some.
pub(crate) fn receive(socket: impl AsFd, bytes: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_PER_MESSAGE))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = rustix::net::recvmsg(socket, &mut [IoSliceMut::new(bytes)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
        }
    }
    if got.flags.contains(ReturnFlags::CTRUNC) {
        return Err(io::Error::other(
            "the kernel dropped descriptors that were sent to us: the limit of open files (RLIMIT_NOFILE) is too low",
        ));
    }
    Ok((got.bytes, descriptors))
}

#[cfg(test)]
mod tests;
