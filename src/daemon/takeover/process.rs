//! The end of another process, by its pidfd: readable from then on (pidfd_open(2)).

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::net::unix::pipe;

/// Whether it has ended.
pub(super) fn has_ended(pidfd: &OwnedFd) -> bool {
    poll(&mut [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO).is_ok_and(|readable| readable > 0)
}

/// Waits for it.
///
/// # Errors
///
/// The runtime takes no more descriptors.
pub(super) async fn end_of(pidfd: OwnedFd) -> io::Result<()> {
    // All that is asked of this "pipe" is that it becomes readable.
    pipe::Receiver::from_owned_fd_unchecked(pidfd)?.readable().await
}
