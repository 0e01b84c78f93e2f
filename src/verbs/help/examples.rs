//! Examples of every verb, for its `--help`, its man page, and for whoever left an argument out.

/// A command line, and what it does.
pub type Example = (&'static str, &'static str);

/// The examples of a verb, by its words after `polder`.
pub fn of(verb: &str) -> &'static [Example] {
    EXAMPLES.iter().find(|(name, _)| *name == verb).map_or(&[], |(_, examples)| examples)
}

/// Of every verb. A test holds that each is a command line that is understood, and that no verb is missing.
pub const EXAMPLES: &[(&str, &[Example])] = &[
    (
        "status",
        &[
            ("polder status", "what is not well, and the rest in a few lines"),
            ("polder status shop", "a service: its backends, its latch, since when and why"),
            ("polder status web1", "a host: every backend, daemon and member of that name"),
            ("polder status --watch", "again and again, until Ctrl-C"),
        ],
    ),
    (
        "events",
        &[
            ("polder events", "what happened in the last hour"),
            ("polder events --since 3h --service shop", "about one service and its backends"),
            ("polder events --since 03:00 --until 04:30", "a part of this night (UTC)"),
            ("polder events --follow", "and whatever happens from now on, until Ctrl-C"),
        ],
    ),
    (
        "explain",
        &[
            ("polder explain https://www.example.net/cart", "where a new visitor ends up, and why"),
            (
                "polder explain shop.example.net --cookie 'polder-shop=VALUE'",
                "one with a session: the cookie as a browser has it",
            ),
            ("polder explain shop.example.net --at 04:10", "how that stood then (UTC)"),
        ],
    ),
    (
        "why",
        &[
            ("polder why 0f3a9c51d27be846", "by the number on an error page, or X-Request-Id"),
            ("polder why 0f3a9c51d27be846 --json", "all that is known of it, for a program"),
        ],
    ),
    (
        "top",
        &[
            ("polder top", "again and again, until q"),
            ("polder top --interval 10s", "over ten seconds each time"),
            ("polder top --once", "one table over two seconds"),
        ],
    ),
    (
        "drain",
        &[
            ("polder drain px-1 --for 2h --why 'new disk'", "a proxy, out of all answers"),
            ("polder drain web2 --wait", "wherever it is used, until it is safe to power off"),
            ("polder drain www/web2", "one use of a backend"),
        ],
    ),
    (
        "maint",
        &[
            ("polder maint web2 --for 30m --why 'kernel'", "for half an hour, then ready again"),
            ("polder maint www/web2", "one use of a backend"),
        ],
    ),
    ("ready", &[("polder ready web2", "wherever it is used"), ("polder ready px-1", "a proxy, in the answers again")]),
    (
        "failover",
        &[
            ("polder failover shop --why 'disk of shop1'", "to its next backup"),
            ("polder failover shop --to shop3 --wait", "to this one, until nobody is left"),
            ("polder failover shop --dry-run", "what would move, and what is cut off"),
        ],
    ),
    (
        "failback",
        &[
            ("polder failback shop", "to its primary"),
            ("polder failback shop --wait --wait-limit 10m", "until nobody is left on the backup"),
            ("polder failback shop --dry-run", "what would move, and what is cut off"),
        ],
    ),
    (
        "dnstap",
        &[
            ("polder dnstap ns-1 on --why 'who asks for nothing.example?'", "its queries and responses, from now on"),
            ("polder dnstap ns-1 off", "no more of them"),
        ],
    ),
    (
        "forget",
        &[
            ("polder forget www/web9", "an operator state of what is in no document any more"),
            ("polder forget --latch shop --why 'px-2 was broken into'", "where the service is"),
        ],
    ),
    ("reload", &[("polder reload", "every daemon"), ("polder reload px-1 ns-1", "these")]),
    (
        "check",
        &[
            ("polder check", "the fleet of this folder"),
            ("polder check --offline ~/fleet", "another one, asking no nameserver for its serials"),
            ("polder check --served example.net=2026112901", "as if this serial were served"),
        ],
    ),
    (
        "plan",
        &[
            ("polder plan", "what a push of this folder would change"),
            ("polder plan --only proxy --diff", "for the proxies, with the lines that change"),
            ("polder plan --save plan.json", "to be reviewed, then: polder push --plan plan.json"),
        ],
    ),
    (
        "push",
        &[
            ("polder push", "all hosts, one after the other"),
            ("polder push --dry-run", "only show what would be done"),
            ("polder push --only ch --skip px-ch1", "the hosts of one location, without a dead one"),
        ],
    ),
    (
        "rollback",
        &[
            ("polder rollback", "the whole fleet, to what ran before the last push"),
            ("polder rollback px-nl1 --dry-run", "only show what would be done on one host"),
        ],
    ),
    ("log", &[("polder log", "the last 20 entries of all hosts"), ("polder log px-nl1 --last 5", "of one host")]),
    (
        "lock",
        &[
            ("polder lock --for 2h --reason 'new switch'", "nobody else pushes for two hours"),
            ("polder lock --show", "who holds it"),
            ("polder lock --break --why 'laptop lost'", "take it from whoever is gone"),
        ],
    ),
    ("unlock", &[("polder unlock", "give back what `polder lock` took")]),
    ("reconcile", &[("polder reconcile", "commit what a push with --defer has left")]),
    (
        "bootstrap",
        &[
            ("polder bootstrap px-nl1", "at its first address in the fleet"),
            ("polder bootstrap px-nl1 --address 192.0.2.99", "at the one that it has now"),
        ],
    ),
    (
        "serial",
        &[
            ("polder serial example.net", "in example.net.zone, somewhere below this folder"),
            ("polder serial example.net --file zones/example.net.zone", "in this file"),
        ],
    ),
    (
        "zone check",
        &[
            ("polder zone check example.net", "in example.net.zone, somewhere below this folder"),
            ("polder zone check example.net new.zone --strict", "in this file; warnings are errors"),
        ],
    ),
    (
        "zone diff",
        &[
            ("polder zone diff example.net old.zone new.zone", "as zones, whatever their texts look like"),
            ("polder zone diff example.net - new.zone", "with standard input: what kdig printed of an AXFR"),
        ],
    ),
    ("zone dump", &[("polder zone dump example.net new.zone", "absolute names, a record a line")]),
    (
        "zone serial",
        &[
            ("polder zone serial example.net", "in example.net.zone, somewhere below this folder"),
            (
                "polder zone serial example.net --at 192.0.2.53 --at 192.0.2.54",
                "whether two nameservers serve the same",
            ),
        ],
    ),
    (
        "dnssec status",
        &[
            ("polder dnssec status", "every signed zone: its keys, what comes next, what is not well"),
            ("polder dnssec status example.net --json", "one of them, for a program"),
        ],
    ),
    (
        "dnssec keygen",
        &[
            ("polder dnssec keygen example.net --folder /var/lib/dnssec", "the one key of a zone"),
            (
                "polder dnssec keygen example.net --folder keys --zsk --algorithm ed25519",
                "one of a pair, beside a --ksk",
            ),
        ],
    ),
    ("dnssec ds", &[("polder dnssec ds example.net --folder /var/lib/dnssec", "as the registrar wants it")]),
    (
        "dnssec roll-ksk",
        &[
            (
                "polder dnssec roll-ksk example.net --folder /var/lib/dnssec",
                "a new key beside the one that the parent knows",
            ),
            (
                "polder dnssec roll-ksk example.net --folder /var/lib/dnssec --finish",
                "the old one goes, if all have the new one",
            ),
        ],
    ),
    (
        "dnssec roll-algorithm",
        &[
            ("polder dnssec roll-algorithm example.net --folder keys --to ed25519", "its signatures come first"),
            (
                "polder dnssec roll-algorithm example.net --folder keys --finish",
                "the old keys go, if all have the new ones",
            ),
        ],
    ),
    (
        "dnssec roll-zsk",
        &[
            ("polder dnssec roll-zsk example.net --folder /var/lib/dnssec", "the new key signs in two days"),
            ("polder dnssec roll-zsk example.net --folder keys --at '2026-12-24 04:10'", "from then on (UTC)"),
            (
                "polder dnssec roll-zsk example.net --folder keys --every 90d --for 730d",
                "it rolls by itself for two years",
            ),
        ],
    ),
    (
        "import haproxy",
        &[
            ("polder import haproxy /etc/haproxy/haproxy.cfg", "the document, to look at"),
            ("polder import haproxy haproxy.cfg --output proxy.json", "into a file"),
        ],
    ),
    (
        "import caddy",
        &[
            ("polder import caddy /etc/caddy/Caddyfile", "the document, to look at"),
            ("polder import caddy Caddyfile --nix", "as options of NixOS"),
        ],
    ),
    (
        "demo",
        &[
            ("polder demo", "start it; q ends it"),
            ("polder demo kill px-1", "from another terminal"),
            ("polder demo freeze shop1", "connections open, and nothing answers"),
        ],
    ),
    (
        "drill",
        &[
            ("polder drill", "every promise, one after the other"),
            ("polder drill --list", "what would be broken, and what is promised"),
            ("polder drill --only proxy-killed", "one row"),
        ],
    ),
    ("keys show", &[("polder keys show", "whether all hosts have the same keys")]),
    (
        "keys make",
        &[
            ("polder keys make", "this admin machine's keys, where they are missing"),
            ("polder keys make --next", "those to come, beside the present ones"),
            ("polder keys make --switch", "use those from now on"),
        ],
    ),
    (
        "keys identity",
        &[
            ("polder keys identity /var/lib/polder-proxy/identity.key", "its public half"),
            ("polder keys identity --make identity.key", "make it, and show its public half"),
        ],
    ),
    (
        "keys agreement",
        &[
            ("polder keys agreement", "whatever a member or a proxy lacks"),
            ("polder keys agreement --new-authority", "replace the authority; --retire ends the old one"),
            ("polder keys agreement --to /root/agreement", "as files, for a secrets manager of your own"),
        ],
    ),
    ("agreement members", &[("polder agreement members", "who leads, who is behind, who does not answer")]),
    (
        "agreement join",
        &[
            ("polder agreement join wit-de --dry-run", "only show the steps"),
            ("polder agreement join wit-de --wait", "until it has its vote"),
        ],
    ),
    (
        "agreement replace",
        &[
            ("polder agreement replace wit-de", "one that has lost its disk"),
            ("polder agreement replace wit-de --by wit-fr", "its place for another one"),
        ],
    ),
    ("agreement remove", &[("polder agreement remove wit-de --dry-run", "whether that is safe now")]),
    ("agreement snapshot", &[("polder agreement snapshot /root/snapshot.db", "what etcd has now")]),
    (
        "agreement restore",
        &[
            ("polder agreement restore /root/snapshot.db --dry-run", "only check everything"),
            ("polder agreement restore /root/snapshot.db", "this host's member, on each of them"),
        ],
    ),
    ("keys first", &[("polder keys first cookies", "on all hosts that need it")]),
    (
        "keys rotate",
        &[
            ("polder keys rotate cookies", "a new key for what is sealed from now on"),
            ("polder keys rotate cookies --skip px-ch1", "without a dead host"),
        ],
    ),
    ("keys retire", &[("polder keys retire cookies", "remove all keys but the first")]),
    ("generate man", &[("polder generate man ~/.local/share/man", "for man(1) to find")]),
    (
        "generate completions",
        &[
            ("polder generate completions bash >~/.local/share/bash-completion/completions/polder", "for bash"),
            ("polder generate completions zsh >_polder", "for zsh, into a folder of its fpath"),
        ],
    ),
];

/// Examples as lines of at most 80 columns: what each does beside it, or below it where one is too long for that.
pub fn listed(examples: &[Example]) -> String {
    let width = examples.iter().map(|(line, _)| line.chars().count()).max().unwrap_or_default();
    let beside = examples.iter().all(|(_, shows)| 2 + width + 3 + shows.chars().count() <= 80);
    let each = examples.iter().map(|(line, shows)| match beside {
        true => format!("  {line:<width$}   {shows}"),
        false => format!("  {line}\n      {shows}"),
    });
    each.collect::<Vec<_>>().join("\n")
}
