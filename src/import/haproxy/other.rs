//! Statements without a part of their own: what needs no place in a document, and why the rest has none. Pure.

use super::super::note::Notes;
use super::super::tree::Table;
use super::sections::Statement;

/// What concerns HAProxy's own process or logs, or what polder does anyway.
const NO_PLACE: &[&str] = &[
    "mode",
    "description",
    "id",
    "log",
    "log-tag",
    "timeout",
    "enabled",
    "backlog",
    "fullconn",
    "stats",
    "load-server-state-from-file",
    "hash-type",
    "guid",
    "email-alert",
    "clitimeout",
];

/// The same of options.
const NO_PLACE_OPTIONS: &[&str] = &[
    "forwardfor",
    "httplog",
    "dontlognull",
    "http-server-close",
    "http-keep-alive",
    "dontlog-normal",
    "contstats",
    "socket-stats",
    "prefer-last-server",
    "nolinger",
    "clitcpka",
    "srvtcpka",
    "tcpka",
    "log-separate-errors",
    "http-ignore-probes",
    "logasap",
    "splice-auto",
    "splice-request",
    "splice-response",
    "tcp-smart-accept",
    "tcp-smart-connect",
    "log-health-checks",
    "forwarded",
    "http-use-htx",
    "idle-close-on-response",
    "redispatch",
    "abortonclose",
    "independent-streams",
    "http-no-delay",
    "h1-case-adjust-bogus-client",
    "http-buffer-request",
];

/// What `global` says of the process alone, which the unit of the daemon says here.
const NO_PLACE_GLOBAL: &[&str] = &[
    "log",
    "log-tag",
    "log-send-hostname",
    "chroot",
    "user",
    "group",
    "uid",
    "gid",
    "daemon",
    "pidfile",
    "stats",
    "master-worker",
    "ulimit-n",
    "ca-base",
    "crt-base",
    "node",
    "description",
    "localpeer",
    "zero-warning",
    "nbproc",
    "cpu-map",
    "quiet",
    "hard-stop-after",
];

/// A statement of a section that no other part has taken.
pub fn tell(statement: &Statement, notes: &mut Notes) {
    let keyword = statement.keyword();
    let option = statement.argument(0).unwrap_or_default();
    let needs_none = match keyword {
        "option" if option == "forwardfor" => !statement.words.iter().any(|word| word == "header"),
        "option" => NO_PLACE_OPTIONS.contains(&option),
        keyword => NO_PLACE.contains(&keyword),
    };
    if !needs_none && !statement.negated {
        notes.left_out(statement.line, &statement.text(), why(keyword, option));
    }
}

fn why(keyword: &str, option: &str) -> &'static str {
    match (keyword, option) {
        ("option", "httpclose" | "forceclose") => {
            "polder keeps connections; \"reuse\": \"never\" gives each visitor connections of their own"
        }
        ("option", "forwardfor") => {
            "the field is called X-Forwarded-For here; \"request_headers\" sets another one, from {client}"
        }
        ("option", _) => "polder has no such option",
        ("unique-id-header", _) => "\"request_headers\" sets it, from {request_id}",
        ("stick-table" | "stick", _) => {
            "polder has no stick tables: \"mode\": \"stateful\" keeps visitors on a backend, by a cookie"
        }
        ("errorfile" | "errorfiles" | "errorloc" | "errorloc302" | "errorloc303" | "http-error", _) => {
            "a whole response is in such a file; put its HTML alone into one, and name it in \"error_pages\" (docs/targets.md)"
        }
        ("capture" | "log-format" | "log-format-sd" | "error-log-format" | "unique-id-format", _) => {
            "lines of the log are JSON, or like HAProxy's httplog; each has an id of the request"
        }
        ("maxconn", _) => "\"limits.connections\" counts all visitors together",
        ("monitor-uri", _) => "every listener answers /.polder/ready",
        ("monitor" | "monitor-net", _) => "polder is drained by `polder drain`, and answers /.polder/ready",
        ("tcp-request" | "tcp-response", _) => "polder decides about requests, not about connections",
        ("filter", _) => "polder has no filters",
        ("http-after-response", _) => "polder has nothing like it yet",
        ("use-server", _) => {
            "a cookie or the balance chooses the backend; make a service of its own of what has to go to one server"
        }
        ("source", _) => "the kernel chooses the address from which polder connects",
        ("rate-limit", _) => "polder does not limit new connections",
        _ => "polder has nothing like it",
    }
}

/// `global`: keys of the document, and where relative certificates are.
pub fn global(statements: &[Statement], limits: &mut Table, root: &mut Table, notes: &mut Notes) {
    for statement in statements.iter().filter(|statement| !statement.negated) {
        let argument = statement.argument(0).unwrap_or_default();
        let number = argument.parse::<u64>().ok();
        match (statement.keyword(), number) {
            ("maxconn", Some(number)) => limits.set("connections", number.clamp(1, 1_000_000)),
            ("nbthread", Some(number)) => root.set("workers", number.clamp(1, 256)),
            ("insecure-fork-wanted" | "expose-experimental-directives" | "unix-bind" | "thread-groups", _) => {}
            (keyword, _) if NO_PLACE_GLOBAL.contains(&keyword) || keyword.starts_with("tune.") => {}
            (keyword, _) if keyword.starts_with("ssl-default") || keyword.starts_with("ssl-dh") => {
                let why = "polder speaks TLS 1.2 and 1.3, and chooses among the safe ciphers by itself";
                notes.left_out(statement.line, &statement.text(), why);
            }
            (keyword, _) if keyword.starts_with("lua-") => {
                notes.left_out(statement.line, &statement.text(), "polder runs no programs of others");
            }
            ("setenv" | "presetenv" | "unsetenv" | "resetenv", _) => {
                let why = "variables are those of this shell: set it before you import";
                notes.left_out(statement.line, &statement.text(), why);
            }
            _ => notes.left_out(statement.line, &statement.text(), "polder has nothing like it"),
        }
    }
}
