//! What a starting daemon inherits: from the one that runs (`--takeover`), from the FD store, or nothing.
//!
//! Called once, by the daemons' control loops, before anything is bound.

use std::fmt::Display;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::Value;

use super::args::DaemonArgs;
use super::sockets::Sockets;
use super::takeover::{self, Takeover, TakeoverError};
use crate::counted::counted;
use crate::log_line::{Kind, LogLine};

/// What a starting daemon has before it binds anything.
#[derive(Debug)]
pub struct Inheritance {
    /// Sockets to be asked first.
    pub sockets: Sockets,
    /// Directories that came with them: the running daemon's lock is on one of them.
    pub folders: Vec<File>,
    /// The takeover from the running daemon; none unless `--takeover` was given.
    pub takeover: Option<Takeover>,
}

/// Raises the limit of open files to what this process may raise it to: service managers start with 1024, a proxy needs two
/// a request.
pub fn raise_open_files() {
    let raised =
        getrlimit(Resource::RLIMIT_NOFILE).and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}

/// How many files this process may have open at a time.
pub fn open_files() -> u64 {
    // It is read from this process's own memory in the kernel: there is no error but that of an unknown resource.
    getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(now, _)| now)
}

/// With `--takeover`: asks the daemon at `admin_socket`, which must be the same `program`; it is an error if none runs, unless it
/// has died and this process was passed the sockets that it left. Else adopts what was passed ([`super::fd_store::receive`]).
pub async fn inherit(
    args: &DaemonArgs,
    passed: Vec<OwnedFd>,
    program: &str,
    (admin_socket, state_dir): (&Path, &Path),
) -> Result<Inheritance, TakeoverError> {
    let adopt = |passed| Inheritance { sockets: Sockets::adopt(passed), folders: Vec::new(), takeover: None };
    if !args.takeover {
        return Ok(adopt(passed));
    }
    let (passed, takeover) = match takeover::request(admin_socket, state_dir, program).await {
        Err(left @ TakeoverError::Left(_)) if !passed.is_empty() => {
            LogLine::warn(
                Kind::Daemon,
                format!("{left}. Starting with the sockets that this one was passed: {}", passed.len()),
            )
            .write();
            return Ok(adopt(passed));
        }
        asked => asked?,
    };
    let is_folder = |passed: &File| passed.metadata().is_ok_and(|passed| passed.is_dir());
    let (folders, sockets): (Vec<File>, Vec<File>) = passed.into_iter().map(File::from).partition(is_folder);
    let mut sockets = Sockets::adopt(sockets.into_iter().map(OwnedFd::from).collect());
    sockets.share();
    let words = format!("taking over {} from the running {program}", counted(sockets.len(), "socket"));
    LogLine::info(Kind::Daemon, words).write();
    Ok(Inheritance { sockets, folders, takeover: Some(takeover) })
}

/// [`Takeover::interrupted`]; never without one.
pub async fn interrupted(takeover: Option<&Takeover>) {
    match takeover {
        Some(takeover) => takeover.interrupted().await,
        None => std::future::pending().await,
    }
}

/// What the running daemon hands over, if there is one. Reading it before the running daemon stops keeps an unreadable state from costing a gap.
///
/// # Errors
///
/// It cannot be read; the running daemon goes on.
pub fn read_offer<T, E: Display>(
    takeover: Option<&Takeover>,
    read: impl FnOnce(&Value) -> Result<T, E>,
) -> Result<Option<T>, TakeoverError> {
    let offer = takeover.map(|takeover| read(&takeover.state)).transpose();
    offer.map_err(|why| TakeoverError::NotUnderstood(why.to_string()))
}

#[cfg(test)]
mod tests;
