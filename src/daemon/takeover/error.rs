//! Why a takeover failed. The texts are made here, and the other side is sent the same ones.

use std::fmt;
use std::io;
use std::time::Duration;

use super::successor::NotOurs;
use crate::api::client::ClientError;

/// Why a takeover failed.
#[derive(Debug)]
pub enum TakeoverError {
    /// New side: no daemon of ours answers at the admin socket.
    Nobody(ClientError),
    /// New side: this process listened at the admin socket and has ended; somebody keeps the socket open, and nobody accepts.
    Left(i32),
    /// New side: the running daemon made no offer in time.
    NoOffer(Duration),
    /// New side: its offer did not arrive.
    BrokenOffer(io::Error),
    /// New side: its state cannot be read, and why.
    NotUnderstood(String),
    /// New side: the running daemon refuses, and why.
    Refused(String),
    /// New side: it sent something other than this.
    OutOfTurn(&'static str),
    /// New side: it has not done this within the limit.
    Silent(&'static str, Duration),
    /// New side: these threads of ours have answered nobody within the limit.
    Unproved(Vec<String>, Duration),
    /// New side: it ended the takeover and still runs; how its stream ended.
    Withdrawn(io::Error),
    /// Old side: the new process runs another program.
    OtherProgram {
        /// Its name.
        asks: String,
        /// Our name.
        runs: String,
    },
    /// Old side: the new process speaks another version of the protocol.
    OtherProtocol {
        /// Our program's name.
        program: String,
        /// Its version of polder.
        version: String,
        /// Its version of the protocol.
        asks: u32,
        /// Ours.
        speaks: u32,
    },
    /// Old side: the new process did not take over; this daemon goes on.
    NewSide {
        /// Its process id, once it has proved it.
        process: Option<i32>,
        /// What it did instead.
        why: NewSideError,
    },
}

/// What a new process did instead of taking over.
#[derive(Debug)]
pub enum NewSideError {
    /// Its first message was no hello.
    NoHello,
    /// Its hello did not arrive, and why.
    BrokenHello(io::Error),
    /// It has not done this within the limit.
    Late(&'static str, Duration),
    /// It sent no pidfd.
    NoPidfd,
    /// It may not have our sockets.
    NotOurs(NotOurs),
    /// Our sockets did not reach it.
    Sockets(io::Error),
    /// They did not reach it in time.
    SocketsLate,
    /// It sent something other than this.
    OutOfTurn(&'static str),
    /// It ended before it was ready.
    Ended,
    /// It was ready and did not take over.
    NotTaken(io::Error),
    /// It took over and ended.
    TakenAndEnded,
}

impl fmt::Display for NewSideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NewSideError::NoHello => f.write_str("did not begin with a hello"),
            NewSideError::BrokenHello(error) => write!(f, "sent no hello: {error}"),
            NewSideError::Late(what, limit) => write!(f, "{what} within {limit:?}"),
            NewSideError::NoPidfd => f.write_str(
                "sent no pidfd of its own with its hello: something between the two relays only bytes. Connect to the daemon's \
                 own socket, without a relay",
            ),
            NewSideError::NotOurs(why) => why.fmt(f),
            NewSideError::Sockets(error) => write!(f, "was not given our sockets: {error}"),
            NewSideError::SocketsLate => f.write_str("did not take our sockets in time"),
            NewSideError::OutOfTurn(expected) => write!(f, "sent something other than {expected}"),
            NewSideError::Ended => f.write_str("ended before it was ready; its log says why"),
            NewSideError::NotTaken(error) => write!(f, "was ready, but did not take over ({error})"),
            NewSideError::TakenAndEnded => f.write_str("reported that it had taken over, and has ended"),
        }
    }
}

impl fmt::Display for TakeoverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TakeoverError::Nobody(error) => write!(f, "nothing to take over: {error}"),
            TakeoverError::Left(process) => write!(
                f,
                "nothing to take over: process {process}, which listened at the admin socket, has ended; the socket is kept for the \
                 next one (FileDescriptorStoreMax=). Start it without --takeover (`systemctl start` its unit)"
            ),
            TakeoverError::NoOffer(limit) => write!(f, "the running daemon made no offer within {limit:?}"),
            TakeoverError::BrokenOffer(error) => write!(f, "the running daemon's offer did not arrive: {error}"),
            TakeoverError::NotUnderstood(why) => write!(
                f,
                "the running daemon's state cannot be read: {why}; it goes on. Stop it and start this one, which reads the \
                 state directory"
            ),
            TakeoverError::Refused(why) => write!(f, "the running daemon refuses: {why}"),
            TakeoverError::OutOfTurn(expected) => {
                write!(f, "the running daemon sent an unexpected message instead of {expected}")
            }
            TakeoverError::Silent(what, limit) => {
                write!(f, "the running daemon has not {what} within {limit:?}; it stays the daemon")
            }
            TakeoverError::Unproved(threads, limit) => write!(
                f,
                "this process does not answer on the sockets it was given ({} within {limit:?}); the running daemon goes on",
                threads.join(", ")
            ),
            TakeoverError::Withdrawn(end) => {
                write!(f, "the running daemon ended the takeover ({end}); it stays the daemon")
            }
            TakeoverError::OtherProgram { asks, runs } => {
                write!(f, "{asks} wants to take over, but {runs} runs here: its document names the wrong admin socket")
            }
            TakeoverError::OtherProtocol { program, version, asks, speaks } => write!(
                f,
                "{program} {version} speaks takeover protocol {asks}, the running one ({}) speaks {speaks}: stop the running \
                 one and start the new one",
                crate::daemon::VERSION
            ),
            TakeoverError::NewSide { process: Some(process), why } => {
                write!(f, "the new process {process} {why}; this daemon goes on")
            }
            TakeoverError::NewSide { process: None, why } => {
                write!(f, "the new process {why}; this daemon goes on")
            }
        }
    }
}

impl std::error::Error for TakeoverError {}
