//! How a request ended, in two letters, as in HAProxy's log (configuration manual, 8.5): what ended it, and while what
//! was going on. Every time limit of the document has a code of its own.

/// How a request, or a connection without one, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Normally.
    Done,
    /// Answered here: no service (404), a path under `/.polder/`, or a service without backends.
    Local,
    /// An operator has all backends of the service in maint.
    Maintenance,
    /// A file could not be opened or read before the response began.
    FileUnread,
    /// As many files are open for visitors as may be.
    FilesBusy,
    /// `timeouts.response_head` passed while a file was to be opened.
    DiskTimeout,
    /// A file became shorter, or could not be read any more, within the response's body.
    FileCut,
    /// The client closed within a request's head.
    ClientInHead,
    /// The client closed while its request waited for a verdict.
    ClientInQueue,
    /// The client closed before the response began.
    ClientInWait,
    /// The client closed within a body.
    ClientInData,
    /// `timeouts.request_head` passed.
    HeadTimeout,
    /// `timeouts.keep_alive` passed without another request.
    KeepAliveTimeout,
    /// `timeouts.body_idle` passed while the client was to send or take.
    ClientBodyTimeout,
    /// Whoever connected may not say who the visitor is.
    UntrustedProxy,
    /// The proxy before us closed within its header of the PROXY protocol.
    ClosedInProxyHeader,
    /// `timeouts.proxy_protocol` passed.
    ProxyHeaderTimeout,
    /// What came is no header of the PROXY protocol.
    ProxyHeaderRefused,
    /// The client closed within the handshake of TLS.
    ClientInHandshake,
    /// `timeouts.tls_handshake` passed.
    HandshakeTimeout,
    /// What the client offered for TLS, or the host that it named, was refused.
    HandshakeRefused,
    /// `timeouts.tunnel_idle` passed.
    TunnelTimeout,
    /// The client broke the rules of HTTP/2, so that nothing of its connection could be trusted any more.
    MalformedFrames,
    /// The client sent more frames that ask for nothing, or broke off more streams, than any client needs.
    Flooded,
    /// The visitor's network was refused.
    NetworkRefused,
    /// Whose visitors are served is not known.
    NetworksUnread,
    /// The visitor has shown no name and password of a user.
    NoPassword,
    /// More passwords waited to be verified than may, or too long.
    PasswordsBusy,
    /// Who the users are is not known.
    NoUsers,
    /// The visitor would have to say in clear text who they are: there is no certificate with which to send them to https.
    NoHttps,
    /// The server of `forward_auth` has not let the request go on.
    AuthRefused,
    /// It could not be reached, or its answer was malformed.
    AuthFailed,
    /// Its time limit passed.
    AuthTimeout,
    /// The request's head was refused.
    Refused,
    /// The visitor has shown no certificate, and the service wants one.
    NoCertificate,
    /// A body was malformed.
    MalformedBody,
    /// The response's head was malformed or too long.
    MalformedResponse,
    /// No backend was usable, or each refused.
    NoBackend,
    /// Which backend of the service is active is not known.
    Undecided,
    /// `timeouts.connect` passed.
    ConnectTimeout,
    /// This machine could not open another connection.
    OutOfResources,
    /// The service's bound on waiting for a verdict passed.
    VerdictTimeout,
    /// `limits.waiting` was reached.
    QueueFull,
    /// The backend ended before its response's head was whole.
    BackendInHead,
    /// `timeouts.response_head` passed.
    ResponseTimeout,
    /// The backend ended within its response's body.
    BackendInData,
    /// `timeouts.body_idle` passed while the backend was to send or take.
    BackendBodyTimeout,
    /// The service failed away from the backend before the response began.
    FailedOverInWait,
    /// The service failed away from the backend within a body or a tunnel.
    FailedOverInData,
    /// `timeouts.drain` passed.
    DrainTimeout,
    /// Closed between two requests, or before the first, because another client needed the slot.
    EvictedIdle,
    /// Closed within a request's head for the same reason.
    EvictedInHead,
    /// Closed within the handshake of TLS for the same reason, or because `limits.tls_handshakes` was reached.
    EvictedInHandshake,
    /// Closed before its header of the PROXY protocol was whole for the same reason.
    EvictedInProxyHeader,
    /// `limits.connections` was reached, and nobody could be evicted.
    NoSlot,
    /// `limits.connections_per_address` was reached, and no connection of that address could be evicted.
    AddressFull,
    /// The client has had as many requests as the service's `rate_limit` takes of each.
    ClientTooFast,
    /// All clients together have.
    ServiceTooFast,
    /// The request's body is longer than `max_request_body`.
    BodyTooLong,
    /// The client closed while its request queued for a backend that has as many as it takes.
    ClientInBackendQueue,
    /// `queue_timeout` passed.
    QueueTimeout,
    /// `max_queue` was reached.
    QueueFullOfBackend,
    /// The backend answered with a status of `retry_on`, and no other one could be tried after all.
    RetriedStatus,
    /// `try_timeout` passed in the last attempt.
    TryTimeout,
    /// The request would have been sent again, but `retry_budget` was spent.
    BudgetSpent,
}

impl End {
    /// The backend failed, not the client nor this machine.
    pub fn is_backends(self) -> bool {
        matches!(
            self,
            End::NoBackend
                | End::ConnectTimeout
                | End::BackendInHead
                | End::ResponseTimeout
                | End::TryTimeout
                | End::RetriedStatus
                | End::MalformedResponse
                | End::BackendInData
                | End::BackendBodyTimeout
                | End::FailedOverInWait
        )
    }

    /// The two letters. First: C client closed, c client's time limit, S backend closed or refused, s backend's time
    /// limit, P refused by the proxy, R out of resources, D failed over, K drained, L answered locally, `-` none.
    /// Second: R request's head, Q waiting for a verdict, C connecting, H response's head, D body, T tunnel,
    /// K between requests, U untrusted proxy, P header of the PROXY protocol, S handshake of TLS, V the visitor's certificate looked at,
    /// F frames of HTTP/2, O a file being opened, A being admitted, L being counted by a rate limit, B queueing for a busy backend,
    /// E being sent elsewhere, to the next backend, N the visitor's network, W the visitor's name and password, X asking another server
    /// about him, `-` none.
    pub fn code(self) -> &'static str {
        match self {
            End::Done => "--",
            End::Local => "LR",
            End::Maintenance => "LQ",
            End::FileUnread => "LH",
            End::FileCut => "LD",
            End::FilesBusy => "RO",
            End::DiskTimeout => "sO",
            End::ClientInHead => "CR",
            End::ClientInQueue => "CQ",
            End::ClientInWait => "CH",
            End::ClientInData => "CD",
            End::HeadTimeout => "cR",
            End::KeepAliveTimeout => "cK",
            End::ClientBodyTimeout => "cD",
            End::UntrustedProxy => "PU",
            End::ClosedInProxyHeader => "CP",
            End::ProxyHeaderTimeout => "cP",
            End::ProxyHeaderRefused => "PP",
            End::ClientInHandshake => "CS",
            End::HandshakeTimeout => "cS",
            End::HandshakeRefused => "PS",
            End::TunnelTimeout => "cT",
            End::MalformedFrames => "PF",
            End::Flooded => "RF",
            End::Refused => "PR",
            End::NoCertificate => "PV",
            End::NetworkRefused => "PN",
            End::NetworksUnread => "LN",
            End::NoPassword => "PW",
            End::PasswordsBusy => "RW",
            End::NoUsers => "SW",
            End::NoHttps => "LW",
            End::AuthRefused => "PX",
            End::AuthFailed => "SX",
            End::AuthTimeout => "sX",
            End::MalformedBody => "PD",
            End::MalformedResponse => "PH",
            End::NoBackend => "SC",
            End::Undecided => "PQ",
            End::ConnectTimeout => "sC",
            End::OutOfResources => "RC",
            End::VerdictTimeout => "sQ",
            End::QueueFull => "RQ",
            End::BackendInHead => "SH",
            End::ResponseTimeout => "sH",
            End::BackendInData => "SD",
            End::BackendBodyTimeout => "sD",
            End::FailedOverInWait => "DH",
            End::FailedOverInData => "DD",
            End::DrainTimeout => "K-",
            End::EvictedIdle => "RK",
            End::EvictedInHandshake => "RS",
            End::EvictedInProxyHeader => "RP",
            End::EvictedInHead => "RR",
            End::NoSlot => "RA",
            End::AddressFull => "PA",
            End::ClientTooFast => "PL",
            End::ServiceTooFast => "RL",
            End::BodyTooLong => "RD",
            End::ClientInBackendQueue => "CB",
            End::QueueTimeout => "sB",
            End::QueueFullOfBackend => "RB",
            End::RetriedStatus => "SE",
            End::TryTimeout => "sE",
            End::BudgetSpent => "RE",
        }
    }
}
