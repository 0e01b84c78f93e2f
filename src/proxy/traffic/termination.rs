//! How a request ended, in two letters, as in HAProxy's log (configuration manual, 8.5): what ended it, and while what
//! was going on. Every time limit of the document has a code of its own. docs/logs.md has a row for each.

/// Every way to end: its name here, its code in the log, its cause in words. What is told of it elsewhere is made of this table.
macro_rules! ends {
    ($($end:ident $code:literal $cause:literal,)*) => {
        /// How a request, or a connection without one, ended.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum End {
            $(#[doc = $cause] $end,)*
        }

        impl End {
            /// All of them.
            pub const ALL: &[End] = &[$(End::$end),*];

            /// The two letters. First: C client closed, c client's time limit, S backend closed or refused, s backend's time
            /// limit, P refused by the proxy, R out of resources, D failed over, K drained, L answered locally, `-` none.
            /// Second: R request's head, Q waiting for a verdict, C connecting, H response's head, D body, T tunnel,
            /// K between requests, U untrusted proxy, P header of the PROXY protocol, S handshake of TLS, V the visitor's certificate
            /// looked at, F frames of HTTP/2, O a file being opened, A being admitted, L being counted by a rate limit, B queueing for
            /// a busy backend, E being sent elsewhere, to the next backend, N the visitor's network, W the visitor's name and password,
            /// X asking another server about him, `-` none.
            pub fn code(self) -> &'static str {
                match self {
                    $(End::$end => $code,)*
                }
            }

            /// The cause in words, for whoever does not know the letters. Nothing that a client or a backend chose is in it.
            pub fn cause(self) -> &'static str {
                match self {
                    $(End::$end => $cause,)*
                }
            }
        }
    };
}

ends! {
    Done "--" "nothing went wrong",
    Local "LR" "answered by the proxy itself",
    Maintenance "LQ" "an operator has all backends of the service in maint",
    FileUnread "LH" "a file could not be opened or read",
    FilesBusy "RO" "as many files are open for visitors as may be",
    DiskTimeout "sO" "the disk did not open a file within timeouts.response_head",
    FileCut "LD" "a file became shorter, or could not be read any more, within the body",
    ClientInHead "CR" "the visitor closed within the request's head",
    ClientInQueue "CQ" "the visitor closed while the request waited for a verdict",
    ClientInWait "CH" "the visitor closed before the response began",
    ClientInData "CD" "the visitor closed within a body",
    HeadTimeout "cR" "the request's head was not whole within timeouts.request_head",
    KeepAliveTimeout "cK" "no further request came within timeouts.keep_alive",
    ClientBodyTimeout "cD" "the visitor sent or took nothing for timeouts.body_idle",
    UntrustedProxy "PU" "the connection is from none of trusted_proxies, and the listener asks for the PROXY protocol",
    ClosedInProxyHeader "CP" "the proxy before us closed within its header of the PROXY protocol",
    ProxyHeaderTimeout "cP" "the header of the PROXY protocol was not whole within timeouts.proxy_protocol",
    ProxyHeaderRefused "PP" "what came is no header of the PROXY protocol",
    ClientInHandshake "CS" "the visitor closed within the handshake of TLS",
    HandshakeTimeout "cS" "the handshake of TLS was not over within timeouts.tls_handshake",
    HandshakeRefused "PS" "what the visitor offered for TLS, or the host that it named, was refused",
    TunnelTimeout "cT" "nothing came through a tunnel for timeouts.tunnel_idle",
    MalformedFrames "PF" "the visitor broke the rules of HTTP/2",
    Flooded "RF" "the visitor sent more frames without content, or broke off more streams, than any needs",
    NetworkRefused "PN" "the visitor's network is refused",
    NetworksUnread "LN" "a file of networks cannot be used",
    NoPassword "PW" "no name and password of a user was shown",
    PasswordsBusy "RW" "too many passwords wait to be verified, or too long",
    NoUsers "SW" "the file of users cannot be used",
    NoHttps "LW" "no certificate is in force with which to send the visitor to https",
    AuthRefused "PX" "the server of forward_auth did not let the request go on",
    AuthFailed "SX" "the server of forward_auth could not be reached or understood",
    AuthTimeout "sX" "the server of forward_auth did not answer in time",
    Refused "PR" "the request's head was refused",
    NoCertificate "PV" "the visitor has shown no certificate, and the service wants one",
    MalformedBody "PD" "a body was malformed",
    MalformedResponse "PH" "the response's head was malformed or too long",
    NoBackend "SC" "no backend was usable, or each refused the connection",
    Undecided "PQ" "which backend of the service is active is not known",
    Unagreed "pQ" "this proxy has no word from the store by which the proxies agree which backend of the service is active",
    Isolated "SQ" "this proxy alone cannot reach the active backend of the service, which its peers reach",
    ConnectTimeout "sC" "timeouts.connect passed",
    OutOfResources "RC" "this machine could open no further connection",
    VerdictTimeout "sQ" "the request waited for a verdict as long as it may",
    QueueFull "RQ" "limits.waiting requests wait for verdicts already",
    BackendInHead "SH" "the backend closed before the response's head was whole",
    ResponseTimeout "sH" "the backend did not send the response's head within timeouts.response_head",
    BackendInData "SD" "the backend closed within the response's body",
    BackendBodyTimeout "sD" "the backend sent or took nothing for timeouts.body_idle",
    FailedOverInWait "DH" "the service failed away from the backend before the response began",
    FailedOverInData "DD" "the service failed away from the backend within a body or a tunnel",
    DrainTimeout "K-" "timeouts.drain passed while the proxy was stopping",
    EvictedIdle "RK" "another visitor needed the slot of an idle connection",
    EvictedInHead "RR" "another visitor needed the slot of a connection within a request's head",
    EvictedInHandshake "RS" "another visitor needed the slot of a connection within its handshake of TLS, or limits.tls_handshakes was reached",
    EvictedInProxyHeader "RP" "another visitor needed the slot of a connection before its header of the PROXY protocol was whole",
    NoSlot "RA" "limits.connections was reached, and no connection could make room",
    AddressFull "PA" "limits.connections_per_address was reached",
    ClientTooFast "PL" "the client has had as many requests as rate_limit takes of each",
    ServiceTooFast "RL" "all clients together have had as many requests as rate_limit takes",
    BodyTooLong "RD" "the request's body is longer than max_request_body",
    ClientInBackendQueue "CB" "the visitor closed while the request queued for a busy backend",
    QueueTimeout "sB" "queue_timeout passed while the request queued for a busy backend",
    QueueFullOfBackend "RB" "max_queue requests queue for busy backends already",
    RetriedStatus "SE" "the backend answered with a status of retry_on, and no other one could be tried after all",
    TryTimeout "sE" "try_timeout passed in the last attempt",
    BudgetSpent "RE" "the request would have been sent again, but retry_budget was spent",
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
}
