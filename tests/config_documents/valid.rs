//! Documents that are accepted, and every default.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use polder::config::dns::{
    self, Checks, Denial, DnssecConfig, EncryptedAcmeConfig, IdentityConfig, PoolsInTransfer, RateLimitConfig,
    SerialRule, TcpConfig, TransferConfig, TsigAlgorithm, TsigKeyConfig, WhenAllDown,
};
use polder::config::pages::PagesConfig;
use polder::config::proxy::{
    self, AccessConfig, AccessLogConfig, AccessLogFormat, AccessLogPath, AcmeConfig, AcmeNameserversConfig,
    AgreementConfig, AgreementTlsConfig, AskedFields, AuthServer, BackendConfig, Balance, BasicAuthConfig, CaConfig,
    CertificateConfig, CertificateSource, ChallengeKind, ClientAuthorityConfig, ClientCertificatesConfig,
    ClientRateConfig, ConnectionsConfig, CookieConfig, CookieValue, EabConfig, FieldName, ForwardAuthConfig,
    HeadersConfig, HostPattern, HstsConfig, HttpsConfig, LatchConfig, LimitsConfig, ListenerConfig, Mode, Protocol,
    QueueConfig, RateConfig, RateLimitConfig as ServiceRateLimit, Redispatch, RemovedFields, RetryConfig, RetryOn,
    Reuse, ServiceConfig, TimeoutsConfig, WithoutAgreement,
};
use polder::config::{
    BackendProtocol, BackendTls, CheckConfig, ClientCertificate, DnsConfig, Expect, PeerConfig, ProbeKind, ProxyConfig,
    PublicKey, StatusRange,
};
use polder::proxy::capacity::Capacity;
use polder::proxy_protocol::Version;

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/config").join(name)
}

fn proxy_document(name: &str) -> ProxyConfig {
    proxy::load(&data(name)).unwrap_or_else(|findings| panic!("{findings}"))
}

fn dns_document(name: &str) -> DnsConfig {
    dns::load(&data(name)).unwrap_or_else(|findings| panic!("{findings}"))
}

fn proxy_with_service(service: &str) -> ServiceConfig {
    let text = format!(
        r#"{{ "version": 1, "name": "px", "listeners": [{{ "name": "http", "address": "0.0.0.0:80" }}],
              "admin": {{ "socket": "/run/admin.sock" }}, "state_dir": "/var/lib/polder", "services": {{ "s": {service} }} }}"#
    );
    let mut config = proxy::parse(Path::new("proxy.json"), &text).unwrap_or_else(|findings| panic!("{findings}"));
    config.services.remove("s").unwrap()
}

fn backends(service: &ServiceConfig) -> &proxy::BackendsConfig {
    service.target.backends().expect("it has backends")
}

#[test]
fn a_proxy_that_says_the_least_gets_every_default() {
    let config = proxy_document("proxy-minimal.json");
    assert_eq!(config.name, "px-nl");
    assert_eq!(
        config.listeners,
        [ListenerConfig {
            name: "http".to_owned(),
            address: "0.0.0.0:80".parse().unwrap(),
            protocol: Protocol::Http,
            http2: true,
            proxies: None,
        }]
    );
    assert_eq!(config.admin.socket, Path::new("/run/polder-proxy/admin.sock"));
    assert_eq!(config.admin.address, None);
    assert_eq!(config.state_dir, Path::new("/var/lib/polder-proxy"));
    assert_eq!((config.peers, config.agreement, config.workers, config.access_log), (None, None, None, None));
    assert_eq!(config.trusted_proxies, []);
    assert!(config.via);
    assert_eq!(
        config.timeouts,
        TimeoutsConfig {
            request_head: 10 * SECOND,
            proxy_protocol: 5 * SECOND,
            tls_handshake: 10 * SECOND,
            body_idle: 30 * SECOND,
            connect: 4 * SECOND,
            response_head: 60 * SECOND,
            keep_alive: 60 * SECOND,
            backend_keep_alive: 30 * SECOND,
            tunnel_idle: 3600 * SECOND,
            drain: 30 * SECOND,
        }
    );
    assert_eq!(
        config.limits,
        LimitsConfig {
            request_head: 16_384,
            request_headers: 100,
            response_head: 65_536,
            connections: None,
            connections_per_address: None,
            tls_handshakes: None,
            compressions: 256,
            waiting: 1000,
            tries: 4,
            idle_per_backend: None,
        }
    );
    let www = &config.services["www"];
    assert_eq!(www.name, "www");
    assert_eq!(www.hosts, [HostPattern::Exact("www.example.net".to_owned())]);
    assert_eq!(www.paths, ["/"]);
    assert_eq!(backends(www).mode, Mode::Stateless);
    assert_eq!(backends(www).balance, Balance::RoundRobin);
    assert_eq!(
        backends(www).backends,
        [BackendConfig {
            name: "web1".to_owned(),
            address: "192.0.2.21:80".parse().unwrap(),
            weight: 100,
            backup: false,
            max_connections: None,
        }]
    );
    assert_eq!(backends(www).check, default_check("/", None));
}

fn default_check(path: &str, port: Option<u16>) -> CheckConfig {
    CheckConfig {
        protocol: Default::default(),
        kind: ProbeKind::Http {
            path: path.to_owned(),
            host: None,
            expect: Expect(vec![StatusRange { from: 200, to: 399 }]),
        },
        port,
        interval: 2 * SECOND,
        fast_interval: 500 * MILLISECOND,
        timeout: SECOND,
        rise: 2,
        fall: 3,
    }
}

#[test]
fn an_empty_check_and_none_are_the_same() {
    let none = r#"{ "hosts": ["a.example.net"], "mode": "stateless", "backends": [{ "name": "b", "address": "192.0.2.1:80" }] }"#;
    let empty = none.replace("\"mode\"", "\"check\": {}, \"mode\"");
    assert_eq!(proxy_with_service(none), proxy_with_service(&empty));
}

#[test]
fn a_nameserver_that_says_the_least_gets_every_default() {
    let config = dns_document("dns-minimal.json");
    assert_eq!(config.listeners, ["0.0.0.0:53".parse().unwrap()]);
    assert_eq!((config.peers, config.workers), (None, None));
    assert_eq!(config.tcp, TcpConfig { connections: None, connections_per_address: 50, idle: 10 * SECOND });
    assert_eq!((config.rate_limit, config.cookies), (RateLimitConfig::default(), None));
    assert_eq!(config.drain, 5 * SECOND);
    assert_eq!(config.zones["example.net"].file().unwrap(), data("example.net.zone"), "relative to the document");
    let pool = &config.pools["http0.l.example.net"];
    assert_eq!((pool.ttl, &pool.aliases, &pool.when_all_down), (300, &vec![], &WhenAllDown::All));
    assert_eq!(pool.keep_answer, 600 * SECOND);
    assert_eq!(pool.members["px-nl1"].addresses, ["192.0.2.11".parse::<std::net::IpAddr>().unwrap()]);
    assert_eq!(pool.check, default_check("/.polder/ready", Some(80)));
}

#[test]
fn every_key_of_a_proxy_is_accepted_and_heard() {
    let config = proxy_document("proxy.json");
    let peers = config.peers.unwrap();
    assert_eq!(peers.listen, "192.0.2.11:8405".parse().unwrap());
    assert_eq!(peers.key_file, Path::new("/var/lib/polder-proxy/identity.key"));
    let keys = vec![PublicKey([b'c'; 32]), PublicKey([b'x'; 32])];
    let other = PeerConfig { address: "198.51.100.11:8405".parse().unwrap(), keys };
    assert_eq!(peers.members, [("px-ch".to_owned(), other)].into(), "it is no peer of its own");
    assert_eq!(peers.own_keys, Some(vec![PublicKey([b'n'; 32])]));
    assert_eq!(config.admin.address, Some("127.0.0.1:8404".parse().unwrap()));
    assert_eq!(config.admin.hosts, ["px-nl.example.net", "203.0.113.7"]);
    let PagesConfig { proxies, nameservers } = config.admin.pages;
    let named = |name: &str, url: &str| (name.to_owned(), url.to_owned());
    let px_ch = named("px-ch", "https://admin.example.net/px-ch/");
    assert_eq!(proxies, [named("px-nl", "http://192.0.2.11:8404/"), px_ch].into(), "its own is one like others");
    assert_eq!(nameservers, [named("ns-nl", "http://[2001:db8::53]:8453")].into());
    assert_eq!(config.workers, Some(4));
    let file = |name: &str| Path::new("/etc/polder/etcd").join(name);
    let agreement = AgreementConfig {
        endpoints: vec!["https://192.0.2.5:2379".to_owned(), "https://[2001:db8::5]:2379".to_owned()],
        tls: Some(AgreementTlsConfig { ca: file("ca.pem"), certificate: file("px.pem"), key: file("px.key") }),
        lease: 8 * SECOND,
    };
    assert_eq!(config.agreement, Some(agreement));
    assert_eq!(config.listeners[2].protocol, Protocol::Https);
    assert_eq!(config.listeners.iter().map(|listener| listener.http2).collect::<Vec<_>>(), [true, true, false]);
    let of_document = Some(config.trusted_proxies.clone());
    let of_listener = Some(vec!["10.1.0.0/16".parse().unwrap()]);
    let proxies: Vec<_> = config.listeners.iter().map(|listener| listener.proxies.clone()).collect();
    assert_eq!(proxies, [None, of_document, of_listener]);
    assert_eq!(config.tls_default.as_deref(), Some("wiki"));
    assert_eq!(config.ticket_key_file.as_deref(), Some(Path::new("/var/lib/polder-keys/tickets")));
    let tls: Vec<_> = config.services.values().filter_map(|service| service.tls.as_ref()).collect();
    let certificate = CertificateConfig {
        chain_file: "/var/lib/acme/wiki.example.net/fullchain.pem".into(),
        key_file: "/var/lib/acme/wiki.example.net/key.pem".into(),
    };
    let sources = [CertificateSource::Acme(ChallengeKind::Dns01), CertificateSource::Files(vec![certificate])];
    assert_eq!(tls.iter().map(|tls| &tls.source).collect::<Vec<_>>(), sources.iter().collect::<Vec<_>>());
    let ca = CaConfig {
        directory: "https://ca.example.net/directory".into(),
        contact: vec!["ops@example.net".into()],
        eab: Some(EabConfig { key_id: "kid-1".into(), hmac_key_file: "/var/lib/polder-keys/eab".into() }),
        ca_file: "/etc/ssl/ca.pem".into(),
        profile: Some("shortlived".into()),
    };
    let acme = AcmeConfig {
        ca,
        challenge: ChallengeKind::Http01,
        nameservers: Some(AcmeNameserversConfig {
            key_file: "/var/lib/polder-proxy/identity.key".into(),
            members: [(
                "ns-nl".to_owned(),
                PeerConfig { address: "192.0.2.1:8455".parse().unwrap(), keys: vec![PublicKey([b'N'; 32])] },
            )]
            .into(),
        }),
    };
    assert_eq!(config.acme, Some(acme));
    let hsts = HstsConfig { max_age: 730 * 86_400 * SECOND, include_subdomains: true, preload: true };
    assert_eq!(config.services["wiki"].https, HttpsConfig { redirect: true, hsts: Some(hsts) });
    assert_eq!(config.services["shop"].https, HttpsConfig::default());
    let networks = |networks: &[IpNet]| networks.iter().map(ToString::to_string).collect::<Vec<_>>();
    let AccessConfig { allow, deny } = &config.services["www"].access;
    assert_eq!(
        (networks(&allow.networks), networks(&deny.networks)),
        (vec!["10.0.0.0/8".into(), "2001:db8::/32".into()], vec!["10.66.0.0/16".into()])
    );
    assert_eq!((allow.files.len(), &deny.files[..]), (0, &["/etc/polder/blocked".into()][..]));
    let wiki = &config.services["wiki"];
    let basic_auth =
        BasicAuthConfig { realm: "The staff".into(), users_file: "/run/secrets/wiki-users".into(), pass: true };
    assert_eq!((wiki.basic_auth.as_ref(), wiki.access.is_open()), (Some(&basic_auth), true));
    let name = |name| FieldName::parse(name).unwrap();
    let forward_auth = ForwardAuthConfig {
        server: AuthServer::Address("127.0.0.1:9091".parse().unwrap()),
        path: "/verify".into(),
        host: "auth.example.net".into(),
        timeout: 2 * SECOND,
        send: vec![name("Cookie")],
        copy: vec![name("Remote-User")],
    };
    assert_eq!(wiki.forward_auth, Some(forward_auth));
    let client = ClientRateConfig {
        rate: RateConfig { requests: 20, per: SECOND, burst: 50 },
        prefix4: 24,
        prefix6: 56,
        entries: 4096,
        exempt: vec!["192.0.2.0/24".parse().unwrap()],
    };
    let service = RateConfig { requests: 3000, per: 60 * SECOND, burst: 50 };
    let rate_limit = ServiceRateLimit { client: Some(client), service: Some(service) };
    assert_eq!(config.services["www"].rate_limit, Some(rate_limit));
    assert_eq!(config.services["www"].max_request_body, Some(1_048_576));
    let www = backends(&config.services["www"]);
    assert_eq!(www.queue, QueueConfig { most: 250, timeout: 4 * SECOND });
    assert_eq!(www.slow_start, Some(45 * SECOND));
    assert_eq!(www.backends.iter().map(|backend| backend.max_connections).collect::<Vec<_>>(), [Some(40), None, None]);
    assert_eq!(config.services["shop"].rate_limit, None);
    let headers = &config.services["wiki"].headers;
    let set: Vec<&str> = headers.request.set.iter().map(|field| &*field.name).collect();
    assert_eq!(set, ["X-Real-IP", "X-Request-Id"]);
    assert_eq!(headers.request.remove, [RemovedFields::Beginning("X-Debug-".to_owned())]);
    assert_eq!(headers.response.remove, [RemovedFields::Named("Server".to_owned())]);
    assert_eq!(config.services["shop"].headers, HeadersConfig::default());
    let authority = ClientAuthorityConfig {
        ca_file: "/etc/ssl/staff/ca.pem".into(),
        crl_file: Some("/etc/ssl/staff/crl.pem".into()),
    };
    let asks = config.services["wiki"].tls.as_ref().unwrap().client_certificates.clone();
    assert_eq!(asks, Some(ClientCertificatesConfig { required: false, authority }));
    assert!(!config.via);
    let networks: Vec<String> = config.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "2001:db8:1::/48", "203.0.113.7/32"]);
    assert_eq!(
        config.timeouts,
        TimeoutsConfig {
            request_head: 5 * SECOND,
            proxy_protocol: 3 * SECOND,
            tls_handshake: 4 * SECOND,
            body_idle: 20 * SECOND,
            connect: 500 * MILLISECOND,
            response_head: 90 * SECOND,
            keep_alive: 45 * SECOND,
            backend_keep_alive: 25 * SECOND,
            tunnel_idle: 7200 * SECOND,
            drain: 20 * SECOND,
        }
    );
    assert_eq!(
        config.limits,
        LimitsConfig {
            request_head: 32_768,
            request_headers: 150,
            response_head: 131_072,
            connections: Some(50_000),
            connections_per_address: Some(1500),
            tls_handshakes: Some(3000),
            compressions: 100,
            waiting: 500,
            tries: 2,
            idle_per_backend: Some(32),
        }
    );
    assert_eq!(
        config.access_log,
        Some(AccessLogConfig {
            path: AccessLogPath::File("/var/log/polder/access.log".into()),
            format: AccessLogFormat::Json,
            fields: AskedFields { user_agent: true, referer: true },
            sample: 10,
            slow: Duration::from_secs(2),
        })
    );
}

#[test]
fn every_key_of_a_service_is_accepted_and_heard() {
    let config = proxy_document("proxy.json");
    let www = &config.services["www"];
    assert_eq!(www.hosts[1], HostPattern::Suffix("pages.example.net".to_owned()));
    assert_eq!(www.paths, ["/", "/news"]);
    assert_eq!(backends(www).balance, Balance::LeastConnections);
    let on = RetryOn::EMPTY_RESPONSE | RetryOn::UNAVAILABLE;
    let retry = RetryConfig { on, budget: Some(15), try_timeout: Some(3 * SECOND), hedge_after: Some(SECOND * 3 / 4) };
    assert_eq!(
        backends(www).connections,
        ConnectionsConfig {
            reuse: Reuse::Safe,
            retries: Some(5),
            retry,
            redispatch: Redispatch::Never,
            abort_on_close: true
        }
    );
    assert_eq!(backends(&config.services["shop"]).connections, ConnectionsConfig::default());
    assert_eq!(backends(www).backends[1].weight, 50);
    assert!(backends(www).backends[2].backup);
    assert_eq!(
        backends(www).check,
        CheckConfig {
            protocol: BackendProtocol { send_proxy: Some(Version::V1), ..BackendProtocol::default() },
            kind: ProbeKind::Http {
                path: "/healthz?from=proxy".to_owned(),
                host: Some("www.example.net".to_owned()),
                expect: Expect(vec![StatusRange { from: 200, to: 299 }, StatusRange { from: 304, to: 304 }]),
            },
            port: Some(8080),
            interval: 4 * SECOND,
            fast_interval: 250 * MILLISECOND,
            timeout: 2 * SECOND,
            rise: 3,
            fall: 4,
        }
    );
    assert_eq!(
        backends(&config.services["shop"]).mode,
        Mode::Latched {
            cookie: CookieConfig {
                name: "shop".to_owned(),
                value: CookieValue::Sealed { key_file: "/run/credentials/polder-proxy/cookies".into() },
            },
            latch: LatchConfig {
                start_grace: 20 * SECOND,
                last_resort: false,
                failover_drain: 10 * SECOND,
                without_agreement: WithoutAgreement::Keep
            },
        }
    );
    let wiki = backends(&config.services["wiki"]);
    assert_eq!(wiki.mode, Mode::Sticky { cookie: address_cookie("polder-wiki") });
    assert_eq!(wiki.balance, Balance::RandomTwoChoices);
    assert_eq!(wiki.check.kind, ProbeKind::Tcp);
    assert_eq!(
        wiki.protocol.tls.as_deref(),
        Some(&BackendTls {
            ca_file: Some("/etc/ssl/backends/ca.pem".into()),
            server_name: Some("wiki.internal".to_owned()),
            client_certificate: Some(ClientCertificate {
                chain_file: "/etc/ssl/backends/px.pem".into(),
                key_file: "/etc/ssl/backends/px.key".into(),
            }),
        })
    );
    assert_eq!(wiki.check.protocol, wiki.protocol, "a check speaks as requests do");
    assert_eq!((wiki.protocol.send_proxy, wiki.connections.reuse), (Some(Version::V2), Reuse::Never));
    assert_eq!(backends(&config.services["www"]).check.protocol.send_proxy, Some(Version::V1), "it has said so itself");
    assert_eq!(wiki.check.fast_interval, 250 * MILLISECOND, "a quarter of the interval");
}

#[test]
fn a_check_of_another_port_is_in_clear_text_unless_it_says_otherwise() {
    let spoken = |check: &str| {
        let service = format!(
            r#"{{ "hosts": ["a.example.net"], "mode": "stateless", "backend_tls": {{ "ca_file": "/ca.pem" }}, "check": {check},
                "backends": [{{ "name": "a", "address": "192.0.2.1:443" }}] }}"#
        );
        backends(&proxy_with_service(&service)).check.protocol.tls.is_some()
    };
    assert!(spoken("{}"));
    assert!(!spoken(r#"{ "tls": false }"#));
    assert!(!spoken(r#"{ "port": 8080 }"#));
    assert!(spoken(r#"{ "port": 8443, "tls": true }"#));
}

fn address_cookie(name: &str) -> CookieConfig {
    CookieConfig { name: name.to_owned(), value: CookieValue::Address }
}

#[test]
fn every_key_of_a_nameserver_is_accepted_and_heard() {
    let config = dns_document("dns.json");
    assert_eq!(config.public_zones().collect::<Vec<_>>(), ["2.0.192.in-addr.arpa", "example.com", "example.net"]);
    assert_eq!(config.name, "ns-nl");
    assert_eq!(config.listeners.len(), 2);
    assert_eq!(config.peers.unwrap().members.into_keys().collect::<Vec<_>>(), ["ns-ch"]);
    let challenges = config.acme_challenges.unwrap();
    assert_eq!(challenges.listen, "192.0.2.1:8455".parse().unwrap());
    let from = &challenges.from["px-nl1"];
    assert_eq!(from.addresses, ["192.0.2.11".parse::<std::net::IpAddr>().unwrap(), "2001:db8::11".parse().unwrap()]);
    assert_eq!(from.keys, [PublicKey([b'p'; 32])]);
    assert_eq!(from.zones, Some(["example.net".to_owned()].into()));
    assert_eq!(config.workers, Some(2));
    assert_eq!(config.tcp, TcpConfig { connections: Some(500), connections_per_address: 20, idle: 8 * SECOND });
    let encrypted = config.encrypted.unwrap();
    assert_eq!(encrypted.tls, ["192.0.2.1:853".parse().unwrap(), "[2001:db8::1]:853".parse().unwrap()]);
    assert_eq!(encrypted.quic, encrypted.tls, "UDP and TCP may have the same port");
    assert_eq!((encrypted.https[0].port(), &*encrypted.https_path, encrypted.streams), (443, "/dns", 50));
    let ca = CaConfig {
        directory: "https://ca.example.net/directory".into(),
        contact: vec!["ops@example.net".into()],
        eab: Some(EabConfig { key_id: "kid-2".into(), hmac_key_file: "/var/lib/polder-keys/eab".into() }),
        ca_file: "/etc/ssl/ca.pem".into(),
        profile: Some("shortlived".into()),
    };
    let names = ["dns.example.net", "*.dns.example.net"].map(|name| HostPattern::parse(name).unwrap());
    assert_eq!(encrypted.acme, Some(EncryptedAcmeConfig { ca, names: names.into() }));
    assert_eq!(encrypted.certificates[0].chain_file, Path::new("/var/lib/acme/ns-nl/fullchain.pem"));
    assert_eq!(encrypted.certificates[0].key_file, Path::new("/var/lib/acme/ns-nl/key.pem"));
    assert_eq!(
        (encrypted.connections, encrypted.connections_per_address, encrypted.idle),
        (Some(200), 10, 20 * SECOND)
    );
    assert_eq!(
        config.rate_limit,
        RateLimitConfig {
            responses_per_second: 100,
            window: 10 * SECOND,
            slip: 3,
            ipv4_prefix: 25,
            ipv6_prefix: 48,
            exempt: vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::53/128".parse().unwrap()],
            log_only: true,
        }
    );
    assert_eq!(config.cookies.unwrap().key_file, Path::new("/run/credentials/polder-dns/cookies"));
    let IdentityConfig { server, version } = config.identity;
    assert_eq!((server.as_deref(), version.as_deref()), (Some("ns-nl"), Some("polder")));
    let checks: Vec<Checks> = config.zones.values().map(|zone| zone.checks).collect();
    assert_eq!(checks, [Checks::Lenient, Checks::Lenient, Checks::Lenient, Checks::Lenient, Checks::Strict]);
    assert_eq!(config.drain, 3 * SECOND);
    assert_eq!(config.zones["example.net"].file().unwrap(), Path::new("/etc/polder/zones/example.net.zone"));
    assert_eq!(config.zones["2.0.192.in-addr.arpa"].file().unwrap(), data("zones/192.0.2.zone"));
    assert_eq!(
        config.zones["2.0.192.in-addr.arpa"].dnssec,
        Some(DnssecConfig {
            keys: "/var/lib/polder-keys/dnssec/2.0.192.in-addr.arpa".into(),
            lifetime: 30 * 86_400 * SECOND,
            denial: Denial::Nsec3,
            serial: SerialRule::Hourly,
            zonemd: true
        })
    );
    assert_eq!(config.zones["example.net"].dnssec, None);
    assert_eq!(
        config.tsig_keys["backup.example.net"],
        TsigKeyConfig { algorithm: TsigAlgorithm::HmacSha384, secret_file: "/run/credentials/polder-dns/tsig".into() }
    );
    let TransferConfig { allow, pools, notify } = config.zones["example.net"].transfer.as_ref().unwrap();
    assert_eq!(allow[0].networks, ["203.0.113.0/24".parse::<ipnet::IpNet>().unwrap()]);
    assert_eq!((allow[0].key.as_deref(), allow[1].key.as_deref()), (Some("backup.example.net"), None));
    assert_eq!(*pools, PoolsInTransfer::LeftOut);
    let told: Vec<String> = notify.iter().map(|one| one.address.to_string()).collect();
    assert_eq!(told, ["203.0.113.53:53", "[2001:db8::99]:5353"]);
    assert_eq!(config.zones["2.0.192.in-addr.arpa"].transfer, None);
    let [first, second] = config.zones["example.com"].primaries() else { panic!("two primaries") };
    assert_eq!((first.address, first.key.as_deref()), ("203.0.113.53:53".parse().unwrap(), Some("backup.example.net")));
    assert_eq!((second.address, &second.key), ("[2001:db8::54]:5353".parse().unwrap(), &None));
    assert_eq!(config.zones["example.com"].file(), None);
    let consumed = &config.zones["catalog.example.com"];
    assert_eq!(consumed.primaries()[0].address, "203.0.113.53:53".parse().unwrap());
    let member = consumed.member().unwrap();
    assert_eq!(
        (member.primaries()[0].address, &member.primaries()[0].key),
        ("203.0.113.54:853".parse().unwrap(), &None)
    );
    let tls = member.primaries()[0].tls.as_deref().unwrap();
    assert_eq!(
        (tls.ca_file.as_deref(), tls.server_name.as_deref()),
        (Some(Path::new("/etc/polder/ca.pem")), Some("ns.example.com"))
    );
    assert_eq!(tls.client_certificate.as_ref().unwrap().chain_file, Path::new("/etc/polder/own.pem"));
    assert_eq!(
        (member.checks, member.transfer.as_ref().map(|transfer| transfer.allow.len())),
        (Checks::Strict, Some(1))
    );
    let catalog = config.zones["catalog.example.net"].catalog().unwrap();
    assert_eq!(catalog.members, [("example.net".to_owned(), Some("signed".to_owned()))].into());
    let pool = &config.pools["http0.l.example.net"];
    assert_eq!((pool.ttl, &pool.when_all_down, pool.keep_answer), (60, &WhenAllDown::Last, Duration::ZERO));
    assert_eq!((pool.nearby_at_least, pool.members["px-nl1"].location.as_deref()), (1, Some("nl")));
    assert_eq!(config.locations["nl"].len(), 2);
    assert_eq!(pool.aliases, ["example.net", "www.example.net"]);
    assert_eq!(pool.members["px-nl1"].addresses.len(), 2);
    assert_eq!(
        pool.check,
        CheckConfig {
            protocol: Default::default(),
            kind: ProbeKind::Http {
                path: "/.polder/ready".to_owned(),
                host: Some("check.example.net".to_owned()),
                expect: Expect(vec![StatusRange { from: 200, to: 200 }]),
            },
            port: Some(80),
            interval: 4 * SECOND,
            fast_interval: 500 * MILLISECOND,
            timeout: 2 * SECOND,
            rise: 1,
            fall: 2,
        }
    );
    let raw = &config.pools["raw0.l.example.net"];
    assert_eq!(
        raw.when_all_down,
        WhenAllDown::Fallback(vec!["203.0.113.1".parse().unwrap(), "2001:db8::f".parse().unwrap()])
    );
    assert_eq!(raw.check.kind, ProbeKind::Tcp);
}

#[test]
fn a_stateful_service_fails_over_for_good_where_it_has_a_backup_and_automatically_where_it_has_none() {
    let service = r#"{ "hosts": ["a.example.net"], "mode": "stateful", "cookie": { "value": "address" },
        "backends": [{ "name": "a", "address": "192.0.2.1:80" }, { "name": "b", "address": "192.0.2.2:80", "backup": true }] }"#;
    assert_eq!(
        backends(&proxy_with_service(service)).mode,
        Mode::Latched {
            cookie: address_cookie("polder-s"),
            latch: LatchConfig {
                start_grace: 10 * SECOND,
                last_resort: true,
                failover_drain: 5 * SECOND,
                without_agreement: WithoutAgreement::Stop
            },
        }
    );
    let without = service.replace(", \"backup\": true", "");
    assert_eq!(backends(&proxy_with_service(&without)).mode, Mode::Sticky { cookie: address_cookie("polder-s") });
}

#[test]
fn a_cookie_is_sealed_unless_the_document_says_otherwise() {
    let service = r#"{ "hosts": ["a.example.net"], "mode": "stateful", "cookie": { "key_file": "/keys/cookies" },
        "backends": [{ "name": "a", "address": "192.0.2.1:80" }] }"#;
    let value = CookieValue::Sealed { key_file: "/keys/cookies".into() };
    let cookie = CookieConfig { name: "polder-s".to_owned(), value };
    assert_eq!(backends(&proxy_with_service(service)).mode, Mode::Sticky { cookie });
}

#[test]
fn what_one_address_may_have_follows_from_all_connections() {
    let limits = |limits: &str| {
        let text = std::fs::read_to_string(data("proxy-minimal.json")).unwrap();
        let text = text.replacen('{', &format!("{{ \"limits\": {limits},"), 1);
        Capacity::unbounded(&proxy::parse(Path::new("proxy.json"), &text).unwrap().limits).connections_per_address
    };
    assert_eq!(limits("{}"), 5000);
    assert_eq!(limits(r#"{ "connections": 200 }"#), 64);
    assert_eq!(limits(r#"{ "connections": 50000 }"#), 12_500);
    assert_eq!(limits(r#"{ "connections": 300, "connections_per_address": 7 }"#), 7);
}

#[test]
fn names_in_the_dns_are_taken_in_any_case_and_with_or_without_the_final_dot() {
    let service = r#"{ "hosts": ["WWW.Example.NET.", "*.Example.org."], "mode": "stateless",
        "backends": [{ "name": "a", "address": "192.0.2.1:80" }] }"#;
    assert_eq!(
        proxy_with_service(service).hosts,
        [HostPattern::Exact("www.example.net".to_owned()), HostPattern::Suffix("example.org".to_owned())]
    );
    let text = std::fs::read_to_string(data("dns-minimal.json")).unwrap().replace("example.net\"", "Example.NET.\"");
    let config = dns::parse(Path::new("dns.json"), &text).unwrap();
    assert_eq!(config.zones.into_keys().collect::<Vec<_>>(), ["example.net"]);
    assert_eq!(config.pools.into_keys().collect::<Vec<_>>(), ["http0.l.example.net"]);
}

#[test]
fn two_services_may_share_a_backend_a_host_on_other_paths_and_a_cookie_on_other_hosts() {
    let text = r#"{ "version": 1, "name": "px", "listeners": [{ "name": "http", "address": "0.0.0.0:80" }],
        "admin": { "socket": "/run/admin.sock" }, "state_dir": "/var/lib/polder", "services": {
        "a": { "hosts": ["www.example.net"], "mode": "stateless", "backends": [{ "name": "b", "address": "192.0.2.1:80" }] },
        "b": { "hosts": ["www.example.net"], "paths": ["/b"], "mode": "stateful", "cookie": { "name": "c", "key_file": "k" },
               "backends": [{ "name": "b", "address": "192.0.2.1:80" }] },
        "c": { "hosts": ["*.www.example.net", "example.net"], "mode": "stateful", "cookie": { "name": "c", "key_file": "k" },
               "backends": [{ "name": "b", "address": "192.0.2.1:80" }] } } }"#;
    proxy::parse(Path::new("proxy.json"), text).unwrap_or_else(|findings| panic!("{findings}"));
}

#[test]
fn a_daemon_without_a_name_has_the_machines() {
    let text = std::fs::read_to_string(data("dns-minimal.json")).unwrap().replace("\"name\": \"ns-nl\",", "");
    let machine = nix::unistd::gethostname().unwrap().into_string().unwrap();
    assert_eq!(dns::parse(Path::new("dns.json"), &text).unwrap().name, machine);
}

#[test]
fn a_nameserver_needs_no_pool() {
    let text = r#"{ "version": 1, "name": "ns", "listeners": ["[::]:53"], "admin": { "socket": "/run/admin.sock" },
        "state_dir": "/var/lib/polder", "zones": { "0/25.2.0.192.in-addr.arpa": { "file": "z" } } }"#;
    let config = dns::parse(Path::new("/etc/polder/dns.json"), text).unwrap_or_else(|findings| panic!("{findings}"));
    assert_eq!(config.zones["0/25.2.0.192.in-addr.arpa"].file().unwrap(), Path::new("/etc/polder/z"));
    assert!(config.pools.is_empty());
}
