//! What a line of the access log can say: every field by its name. docs/logs.md has a row for each, which a test holds to this table.

/// The fields, in the order of a line: the name here, the name in the line, what it is.
macro_rules! fields {
    ($($field:ident $name:literal $what:literal,)*) => {
        /// A field of the access log.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Field {
            $(#[doc = $what] $field,)*
        }

        impl Field {
            /// All of them, in the order of a line.
            pub const ALL: &[Field] = &[$(Field::$field),*];

            /// Its key in a line of JSON.
            pub fn name(self) -> &'static str {
                match self {
                    $(Field::$field => $name,)*
                }
            }

            /// How a member of an object of JSON begins with it, behind another one.
            pub(super) fn member(self) -> &'static str {
                match self {
                    $(Field::$field => concat!(",\"", $name, "\":"),)*
                }
            }
        }
    };
}

fields! {
    Time "time" "When its first byte was read.",
    Client "client" "The visitor's end of the connection.",
    Listener "listener" "The listener.",
    Service "service" "The service that it was routed to.",
    Backend "backend" "The backend that was tried last.",
    Method "method" "The method.",
    Host "host" "The host that was asked for, or named in the handshake.",
    Path "path" "The path, without a query.",
    User "user" "The user whose password was verified.",
    UserAgent "user_agent" "The visitor's User-Agent, where the document asks for it.",
    Referer "referer" "The visitor's Referer, where the document asks for it.",
    ServerName "sni" "The host that the proxy before ours was asked for.",
    UniqueId "unique_id" "What the proxy before ours calls the connection.",
    Encoding "encoding" "How the proxy has compressed the response.",
    Status "status" "The status of the response; 0 where none was sent.",
    Bytes "bytes" "Bytes of the response's body.",
    End "end" "How it ended, in two letters.",
    Cause "cause" "The same in words, unless nothing went wrong.",
    Cookie "cookie" "What the cookie was, and whether one was set.",
    Tries "tries" "Attempts at backends.",
    Tq "tq" "From the first byte to the end of the head.",
    Tw "tw" "Waiting for verdicts, or in a queue.",
    Tc "tc" "Connecting to the backend.",
    Tr "tr" "From the request sent to the response's head.",
    Ta "ta" "All in all.",
    Hedge "hedge" "What came of its hedge.",
    RequestId "request_id" "What the request is called.",
}
