//! A zone with all that makes DNSSEC hard, and what has to be answered of it.

use std::fmt::Write;

pub const ZONE: &str = "example.net";

/// The pool, and what answers from it too: the apex, a name, and every name below a wildcard.
pub const POOL: &str = "http0.l.example.net";
pub const ALIASES: [&str; 3] = ["example.net", "shop.example.net", "*.w.example.net"];

/// Members of the pool.
pub const MEMBERS: u8 = 4;

/// The addresses of a member; loopback has one of IPv6.
pub fn addresses(member: u8) -> Vec<String> {
    let ipv6 = (member == 0).then(|| "::1".to_owned());
    ipv6.into_iter().chain([format!("127.0.0.{}", member + 1)]).collect()
}

/// Two delegations lead to 127.0.0.2; of `secure` the parent has a DS.
const RECORDS: &str = r#"
@ NS ns1
@ NS ns2
@ MX 10 Mail
@ TXT "v=spf1 -all" "two strings"
@ CAA 0 issue "ca.example.com"
ns1 A 127.0.0.1
ns2 A 127.0.0.1
mail A 192.0.2.25
mail AAAA 2001:db8::25
MiXeD.CaSe TXT "upper and lower"
srv._tcp SRV 10 20 443 MAIL.Example.NET.
ptr PTR Mixed.CASE
many A 192.0.2.30
many A 192.0.2.31
many A 192.0.2.32
odd TYPE65280 \# 4 c0000200
\000\255.bin TXT "any byte"
*.wild A 192.0.2.7
*.wild TXT "any name"
here.wild TXT "no other type"
a.b.ent A 192.0.2.9
chain1 CNAME chain2
chain2 CNAME Mail
dangling CNAME nothing-here
to-pool CNAME http0.l
*.cw CNAME mail
d DNAME target
x.target A 192.0.2.11
secure NS ns.secure
ns.secure A 127.0.0.2
insecure NS ns.insecure
ns.insecure A 127.0.0.2
"#;

/// Its text; `more` has the DS, and the pool's records where nobody has pools.
pub fn text(more: &str) -> String {
    format!("$ORIGIN {ZONE}.\n$TTL 5\n@ SOA ns1 hostmaster 7 7200 3600 1209600 5\n{RECORDS}{more}")
}

/// What a pool answers with, as records.
pub fn pool_as_records() -> String {
    let (ipv6, ipv4): (Vec<_>, Vec<_>) = (0..MEMBERS).flat_map(addresses).partition(|address| address.contains(':'));
    let mut text = String::new();
    for owner in [POOL].iter().chain(&ALIASES) {
        for (rtype, addresses) in [("A", &ipv4), ("AAAA", &ipv6)] {
            addresses.iter().for_each(|address| writeln!(text, "{owner}. 2 {rtype} {address}").unwrap());
        }
        writeln!(text, "{owner}. 2 HTTPS 1 . alpn=h2 ipv4hint={} ipv6hint={}", ipv4.join(","), ipv6.join(",")).unwrap();
    }
    text
}

/// A zone below, at 127.0.0.2.
pub fn child(name: &str) -> String {
    format!(
        "$ORIGIN {name}.{ZONE}.\n$TTL 5\n@ SOA ns hostmaster 3 7200 3600 1209600 5\n@ NS ns\nns A 127.0.0.2\nhost A 192.0.2.101\n"
    )
}

/// What is asked, and what has to come of it.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// Without the zone's name; `@` is that.
    pub owner: &'static str,
    pub rtype: &'static str,
    pub name_exists: bool,
    /// Type and data, but signatures; what stands behind `…` is not compared.
    pub answers: &'static [&'static str],
    /// False: below the delegation that has no DS.
    pub is_secure: bool,
}

const fn found(owner: &'static str, rtype: &'static str, answers: &'static [&'static str]) -> Question {
    Question { owner, rtype, name_exists: true, answers, is_secure: true }
}

const fn no_data(owner: &'static str, rtype: &'static str) -> Question {
    found(owner, rtype, &[])
}

const fn no_name(owner: &'static str, rtype: &'static str, answers: &'static [&'static str]) -> Question {
    Question { owner, rtype, name_exists: false, answers, is_secure: true }
}

const V4: &[&str] = &["A 127.0.0.1", "A 127.0.0.2", "A 127.0.0.3", "A 127.0.0.4"];
const V6: &[&str] = &["AAAA ::1"];
const HTTPS: &[&str] = &["HTTPS 1 . alpn…"];
const MAIL: &str = "A 192.0.2.25";

pub const QUESTIONS: &[Question] = &[
    found("mail", "A", &[MAIL]),
    found("MAIL", "AAAA", &["AAAA 2001:db8::25"]),
    found("many", "A", &["A 192.0.2.30", "A 192.0.2.31", "A 192.0.2.32"]),
    found("@", "SOA", &["SOA ns1.example.net. hostmaster.example.net. …"]),
    found("@", "NS", &["NS ns1.example.net.", "NS ns2.example.net."]),
    found("@", "DNSKEY", &["DNSKEY …"]),
    found("@", "MX", &["MX 10 mail.example.net."]),
    found("@", "TXT", &["TXT …"]),
    found("@", "CAA", &["CAA …"]),
    found("mixed.case", "TXT", &["TXT …"]),
    found("srv._tcp", "SRV", &["SRV 10 20 443 mail.example.net."]),
    found("ptr", "PTR", &["PTR mixed.case.example.net."]),
    found("odd", "TYPE65280", &["TYPE65280 …"]),
    found("\\000\\255.bin", "TXT", &["TXT …"]),
    // Any of its sets, or all (RFC 8482, 4.1).
    found("mail", "ANY", &["…"]),
    found("http0.l", "ANY", &["…"]),
    no_name("nothing", "ANY", &[]),
    // No such type.
    no_data("mail", "MX"),
    no_data("@", "SRV"),
    // No such name: before the first, in between, behind the last, below one that is there.
    no_name("nothing", "A", &[]),
    no_name("\\000", "A", &[]),
    no_name("zzzzz", "A", &[]),
    no_name("below.mail", "TXT", &[]),
    no_name("a.long.way.below.mail", "A", &[]),
    // Nothing but names below.
    no_data("ent", "A"),
    no_data("b.ent", "TXT"),
    no_data("l", "A"),
    no_name("c.ent", "A", &[]),
    // Wildcards.
    found("any.wild", "A", &["A 192.0.2.7"]),
    found("several.labels.wild", "TXT", &["TXT …"]),
    found("*.wild", "A", &["A 192.0.2.7"]),
    no_data("any.wild", "AAAA"),
    no_data("here.wild", "A"),
    no_name("below.here.wild", "A", &[]),
    no_data("wild", "A"),
    found("any.cw", "A", &["CNAME mail.example.net.", MAIL]),
    no_data("*.wild", "MX"),
    // Aliases.
    found("chain1", "A", &["CNAME chain2.example.net.", "CNAME mail.example.net.", MAIL]),
    found("chain1", "CNAME", &["CNAME chain2.example.net."]),
    found("chain2", "MX", &["CNAME mail.example.net."]),
    no_name("dangling", "A", &["CNAME nothing-here.example.net."]),
    found("x.d", "A", &["DNAME …", "CNAME x.target.example.net.", "A 192.0.2.11"]),
    no_name("y.x.d", "A", &["DNAME …", "CNAME y.x.target.example.net."]),
    found("d", "DNAME", &["DNAME …"]),
    no_data("d", "A"),
    // Delegations.
    found("secure", "DS", &["DS …"]),
    no_data("insecure", "DS"),
    no_data("secure", "TXT"),
    found("host.secure", "A", &["A 192.0.2.101"]),
    Question { is_secure: false, ..found("host.insecure", "A", &["A 192.0.2.101"]) },
    Question { is_secure: false, ..no_name("nothing.insecure", "A", &[]) },
    no_data("mail", "DS"),
    // The pool.
    found("http0.l", "A", V4),
    found("http0.l", "AAAA", V6),
    found("http0.l", "HTTPS", HTTPS),
    no_data("http0.l", "TXT"),
    no_name("below.http0.l", "A", &[]),
    found("@", "A", V4),
    found("@", "AAAA", V6),
    found("@", "HTTPS", HTTPS),
    found("shop", "A", V4),
    found("shop", "HTTPS", HTTPS),
    no_data("shop", "MX"),
    found("any.w", "A", V4),
    found("some.labels.w", "AAAA", V6),
    found("any.w", "HTTPS", HTTPS),
    no_data("any.w", "TXT"),
    found("*.w", "A", V4),
    no_data("w", "A"),
    found("to-pool", "A", &["CNAME http0.l.example.net.", "A 127.0.0.1", "A 127.0.0.2", "A 127.0.0.3", "A 127.0.0.4"]),
    no_data("http0.l", "DS"),
];

impl Question {
    /// The name that is asked for.
    pub fn name(&self) -> String {
        absolute(self.owner)
    }

    /// It is below a delegation: another server answers.
    pub fn is_below_a_cut(&self) -> bool {
        let label = self.owner.rsplit('.').next();
        matches!(label, Some("secure" | "insecure")) && self.rtype != "DS"
    }
}

/// The whole name of an owner.
pub fn absolute(owner: &str) -> String {
    if owner == "@" { ZONE.to_owned() } else { format!("{owner}.{ZONE}") }
}

/// Whether these answers, without signatures, are those that are expected.
pub fn are_as_expected(answers: &[String], expected: &[&str]) -> bool {
    let is = |answer: &str, expected: &str| match expected.split_once('…') {
        Some((front, _)) => answer.starts_with(front),
        None => answer == expected,
    };
    let is_one_of = |answer: &String| expected.iter().any(|expected| is(answer, expected));
    answers.iter().all(is_one_of) && expected.iter().all(|expected| answers.iter().any(|answer| is(answer, expected)))
}
