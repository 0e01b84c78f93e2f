//! How many frames a client may send that ask for nothing (pure).
//!
//! The `h2` crate answers each PING, SETTINGS and broken stream as RFC 9113 wants it, and bounds what of that it has to remember; it
//! does not bound how much work a client makes it do. So frames are paid for: every one that carries no content costs, and a
//! client earns by what it is sent, so that one that downloads may say as often as it likes that it has room for more. Streams that
//! end before their response does are counted apart: each has cost a request.

use std::time::Duration;

use super::frames::{Frame, Kind};

/// Frames without content that a client may send at once.
const FRAMES: u32 = 1000;

/// How many more for each second.
const FRAMES_A_SECOND: u32 = 50;

/// How many more for each frame of a response: its client may say for the stream and for the connection that it has room again, and
/// ask whether we are there.
const FRAMES_A_FRAME: u32 = 3;

/// Streams that may be broken off at once, by either side (CVE-2023-44487, CVE-2025-8671).
const RESETS: u32 = 200;

/// How many more for each second; each response that was sent whole makes up for one, too.
const RESETS_A_SECOND: u32 = 1;

/// The error codes with which the `h2` crate resets the stream of a client that has broken the rules (RFC 9113, 7): PROTOCOL_ERROR,
/// FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM. A response that a backend has broken off has another one.
const CLIENTS_FAULT: [u32; 5] = [1, 3, 5, 6, 7];

/// What one connection has left.
#[derive(Debug)]
pub struct Budget {
    frames: u32,
    resets: u32,
    /// Since when it has grown by the clock.
    since: Duration,
    is_spent: bool,
}

impl Budget {
    /// Of a connection that begins now. Times are those of any clock that never goes back.
    pub fn new(now: Duration) -> Budget {
        Budget { frames: FRAMES, resets: RESETS, since: now, is_spent: false }
    }

    /// More has come than any client needs.
    pub fn is_spent(&self) -> bool {
        self.is_spent
    }

    /// What has accrued until now.
    pub fn grow(&mut self, now: Duration) {
        let seconds = now.saturating_sub(self.since).as_secs();
        if seconds > 0 {
            self.since += Duration::from_secs(seconds);
            let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
            self.earn_frames(FRAMES_A_SECOND.saturating_mul(seconds));
            self.earn_resets(RESETS_A_SECOND.saturating_mul(seconds));
        }
    }

    /// A frame has come from the client.
    pub fn receive(&mut self, frame: Frame) {
        match frame.kind {
            Kind::Headers => {}
            Kind::Data if frame.length > 0 => self.earn_frames(1),
            Kind::Data if frame.ends_stream() => {}
            Kind::Reset(_) => self.spend_reset(),
            Kind::Data | Kind::Continuation | Kind::Other => self.spend_frame(),
        }
    }

    /// A frame goes to the client.
    pub fn send(&mut self, frame: Frame) {
        match frame.kind {
            Kind::Data | Kind::Headers => {
                self.earn_frames(FRAMES_A_FRAME);
                if frame.ends_stream() {
                    self.earn_resets(1);
                }
            }
            Kind::Reset(code) if CLIENTS_FAULT.contains(&code) => self.spend_reset(),
            Kind::Reset(_) | Kind::Continuation | Kind::Other => {}
        }
    }

    fn earn_frames(&mut self, more: u32) {
        self.frames = self.frames.saturating_add(more).min(FRAMES);
    }

    fn earn_resets(&mut self, more: u32) {
        self.resets = self.resets.saturating_add(more).min(RESETS);
    }

    fn spend_frame(&mut self) {
        match self.frames.checked_sub(1) {
            Some(left) => self.frames = left,
            None => self.is_spent = true,
        }
    }

    fn spend_reset(&mut self) {
        match self.resets.checked_sub(1) {
            Some(left) => self.resets = left,
            None => self.is_spent = true,
        }
    }
}

#[cfg(test)]
mod tests;
