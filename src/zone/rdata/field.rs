//! The fields that record data is made of.

/// How one field is spelt and stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// A number in one byte.
    U8,
    /// A number in two bytes.
    U16,
    /// A number in four bytes.
    U32,
    /// The number 3 in one byte, where nothing else is allowed (RFC 4034, 2.1.2).
    Three,
    /// A time with or without units.
    Seconds,
    /// 192.0.2.1
    Ipv4,
    /// 2001:db8::1
    Ipv6,
    /// Uncompressed.
    Name,
    /// One string of at most 255 bytes, its length before it.
    Text,
    /// One or more of those, to the end.
    Texts,
    /// A property tag: a short [`Field::Text`] of ASCII letters and digits (RFC 8659, 4.1).
    Tag,
    /// One string without its length, to the end.
    Rest,
    /// The same, never empty.
    NonEmptyRest,
    /// Hexadecimal to the end; the byte before it says which digest it is, and the table how long that one must be.
    Digest(&'static [(u8, usize)]),
    /// Base64 to the end.
    Base64,
    /// A DNSSEC algorithm by number or mnemonic.
    Algorithm,
    /// A certificate type by number or mnemonic.
    CertificateType,
    /// Types to the end, as a bitmap (RFC 4034, 4.1.2).
    Types,
    /// A place on earth (RFC 1876).
    Location,
    /// SvcParams to the end (RFC 9460).
    Parameters,
    /// Base64 to the end, or nothing.
    OptionalBase64,
    /// So many bytes in hexadecimal with hyphens between them (RFC 7043, 3.2).
    Hyphenated(usize),
    /// 64 bits as four hexadecimal numbers with colons between them (RFC 6742, 2.1.1).
    Quads,
    /// Prefixes of addresses to the end (RFC 3123).
    Prefixes,
    /// A gateway, by the type that stands two bytes before it (RFC 4025, 2.5).
    Gateway,
    /// The same for a relay, the type in one byte with whether discovery is optional (RFC 8777, 4.2).
    Relay,
    /// One [`Field::Text`], or nothing.
    OptionalText,
    /// Hexadecimal to the end.
    Hex,
    /// Hexadecimal after 0x to the end, with dots in it (RFC 1706, 7).
    DottedHex,
    /// All of a HIP record (RFC 8005).
    HostIdentity,
    /// An IP protocol by number or name (RFC 1035, 3.4.2).
    Protocol,
    /// A record type by name (RFC 4034, 3.2).
    TypeName,
    /// A time of a signature (RFC 4034, 3.2).
    Moment,
    /// Hexadecimal, its length before it, or a hyphen for none (RFC 5155, 3.3).
    Salt,
    /// A hash of a name in Base32, its length before it (RFC 5155, 3.3).
    NextHash,
    /// Ports to the end by number or name, as a bitmap (RFC 1035, 3.4.2).
    Services,
}

impl Field {
    /// Whether a record may end before this field.
    pub fn may_be_empty(self) -> bool {
        matches!(
            self,
            Field::Types
                | Field::Parameters
                | Field::OptionalBase64
                | Field::OptionalText
                | Field::Prefixes
                | Field::Services
        )
    }
}
