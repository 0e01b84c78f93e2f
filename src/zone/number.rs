//! The numbers of DNS that are named in this program (IANA's registry "Domain Name System (DNS) Parameters").

/// Types of records and questions.
pub mod rtype {
    /// An IPv4 address.
    pub const A: u16 = 1;
    /// A nameserver.
    pub const NS: u16 = 2;
    /// An alias.
    pub const CNAME: u16 = 5;
    /// A zone's start of authority.
    pub const SOA: u16 = 6;
    /// A pointer.
    pub const PTR: u16 = 12;
    /// A mail exchange.
    pub const MX: u16 = 15;
    /// Text.
    pub const TXT: u16 = 16;
    /// An IPv6 address.
    pub const AAAA: u16 = 28;
    /// A service's location (RFC 2782).
    pub const SRV: u16 = 33;
    /// An alias of all names below its owner (RFC 6672).
    pub const DNAME: u16 = 39;
    /// EDNS's pseudo record (RFC 6891).
    pub const OPT: u16 = 41;
    /// A delegation signer: the one type a parent answers at a cut (RFC 4035, 3.1.4.1).
    pub const DS: u16 = 43;
    /// The signature of a set (RFC 4034, 3).
    pub const RRSIG: u16 = 46;
    /// The next name of a zone, and the types of this one (RFC 4034, 4).
    pub const NSEC: u16 = 47;
    /// A key that signs a zone (RFC 4034, 2).
    pub const DNSKEY: u16 = 48;
    /// The next hash of a zone's names, and the types of the name that has this one (RFC 5155, 3).
    pub const NSEC3: u16 = 50;
    /// By what the names of a zone are hashed (RFC 5155, 4).
    pub const NSEC3PARAM: u16 = 51;
    /// A delegation signer that the parent is to have (RFC 7344).
    pub const CDS: u16 = 59;
    /// A key of which the parent is to have a delegation signer (RFC 7344).
    pub const CDNSKEY: u16 = 60;
    /// The digest of a whole zone (RFC 8976).
    pub const ZONEMD: u16 = 63;
    /// A service binding (RFC 9460).
    pub const SVCB: u16 = 64;
    /// A service binding of HTTPS (RFC 9460).
    pub const HTTPS: u16 = 65;
    /// The first of the meta types that are no question about data: TKEY.
    pub const TKEY: u16 = 249;
    /// An incremental zone transfer.
    pub const IXFR: u16 = 251;
    /// A zone transfer.
    pub const AXFR: u16 = 252;
    /// The last meta type before ANY: the obsolete MAILA.
    pub const MAILA: u16 = 254;
    /// A transaction's signature (RFC 8945).
    pub const TSIG: u16 = 250;
    /// Any type (RFC 8482).
    pub const ANY: u16 = 255;
}

/// Response codes, the extended ones included.
pub mod rcode {
    /// No error: an answer, or no data of this type.
    pub const NOERROR: u16 = 0;
    /// The query cannot be understood.
    pub const FORMERR: u16 = 1;
    /// The server cannot answer now.
    pub const SERVFAIL: u16 = 2;
    /// No such name.
    pub const NXDOMAIN: u16 = 3;
    /// The kind of query is not implemented.
    pub const NOTIMP: u16 = 4;
    /// The server does not serve the name.
    pub const REFUSED: u16 = 5;
    /// A DNAME makes the name too long (RFC 6672, 2.2).
    pub const YXDOMAIN: u16 = 6;
    /// The query is signed with a key that the server does not have (RFC 8945, 5.2.1).
    pub const NOTAUTH: u16 = 9;
    /// The EDNS version is not supported.
    pub const BADVERS: u16 = 16;
    /// The server cookie is invalid, or missing where one is required (RFC 7873, 8).
    pub const BADCOOKIE: u16 = 23;
}

/// The class in which servers say who they are (RFC 4892).
pub const CLASS_CHAOS: u16 = 3;

/// The class of the Internet, the only one that zones are served of.
pub const CLASS_IN: u16 = 1;
