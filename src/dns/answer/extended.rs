//! Extended errors (RFC 8914): why a response is as it is, for whoever looks into it. Only who sends EDNS gets one.

/// Why, by its number (RFC 8914, 4 and 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Extended {
    /// The addresses are those from before an outage: nobody sees a member of the pool up.
    Stale = 3,
    /// The zone has not come from its primaries yet.
    NotReady = 14,
    /// The client may not have what it asks for.
    Prohibited = 18,
    /// The name is in no zone that is served here.
    NotAuthoritative = 20,
    /// The zone could not be read, or no primary has confirmed it for too long.
    InvalidData = 24,
}
