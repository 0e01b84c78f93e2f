//! What one request is called, to find it in the access log by what a visitor was shown.

use std::fmt;

use crate::random;

/// 64 random bits, which nobody can guess and no two requests share for all that it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(u64);

impl RequestId {
    /// Of a request that has none yet.
    pub fn new() -> RequestId {
        let mut bytes = [0; 8];
        // The kernel gives some as soon as the machine has booted.
        match random::fill(&mut bytes) {
            Ok(()) => RequestId(u64::from_ne_bytes(bytes)),
            Err(_) => RequestId(fastrand::u64(..)),
        }
    }
}

impl From<RequestId> for u64 {
    fn from(id: RequestId) -> u64 {
        id.0
    }
}

impl fmt::Display for RequestId {
    /// 16 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
