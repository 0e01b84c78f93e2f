# One service: what visitors reach under host names (and path prefixes), and what answers.
{ lib, fleetTypes }:

let
  inherit (lib) mkOption types;
  inherit (fleetTypes) daemonDefault duration;

  headers =
    { to, example }:
    mkOption {
      type = types.nullOr (types.submodule (import ./headers.nix { inherit lib to; }));
      default = null;
      inherit example;
      description = "What becomes of header fields on the way to ${to}.";
    };

  backend =
    { config, ... }:
    {
      options = {
        host = mkOption {
          type = types.nullOr types.str;
          default = null;
          example = "web-1";
          description = "A host of the fleet with the role backend.";
        };
        address = mkOption {
          type = types.nullOr fleetTypes.ipAddress;
          default = null;
          example = "203.0.113.7";
          description = "The address of a webserver that is not a host of the fleet, instead of `host`.";
        };
        name = mkOption {
          type = types.str;
          default =
            if config.host != null then
              config.host
            else
              throw "polder.fleet.services: a backend with an `address` needs a `name`";
          defaultText = lib.literalMD "its `host`";
          description = "The name of the backend in logs, metrics and commands, unique within the service.";
        };
        port = mkOption {
          type = types.port;
          default = 80;
          description = "The port on which the webserver listens.";
        };
        weight = daemonDefault {
          type = types.ints.between 0 1000;
          description = "The share of requests that it gets. With 0, it gets only requests whose cookie names it.";
        };
        max_connections = daemonDefault {
          type = types.ints.between 1 1000000;
          example = 50;
          description = "Requests that it gets at once from each proxy, as HAProxy's `maxconn`; the rest queue ([limits.md](limits.md#busy-backends)).";
        };
        backup = mkOption {
          type = types.bool;
          default = false;
          description = "Whether it is used only when no primary is available. Backups are tried in the order of the list.";
        };
      };
    };

  # A certificate for a host, in files.
  certificateFor = host: {
    options.chain_file = mkOption {
      type = fleetTypes.keyPath;
      example = "/var/lib/acme/${host}/fullchain.pem";
      description = "The certificate in PEM, and behind it those that lead to the CA's.";
    };
    options.key_file = mkOption {
      type = fleetTypes.keyPath;
      example = "/var/lib/acme/${host}/key.pem";
      description = "Its private key in PEM. The group `polder-proxy` must be able to read it.";
    };
  };

  tls.options = {
    certificates = mkOption {
      type = types.nullOr (types.nonEmptyListOf (types.submodule (certificateFor "www.example.net")));
      default = null;
      description = "The certificates of the service, in files that are on every proxy. They are read again when they change.";
    };
    acme = mkOption {
      type = types.nullOr (
        types.submodule {
          options.challenge = mkOption {
            type = types.nullOr (
              types.enum [
                "http-01"
                "dns-01"
              ]
            );
            default = null;
            defaultText = lib.literalMD "that of `polder.fleet.acme`";
            description = "How the CA is convinced that the hosts are ours. A host with `*.` needs `dns-01`.";
          };
        }
      );
      default = null;
      example.challenge = "dns-01";
      description = "Instead of `certificates`: the proxies get the certificate from the CA of `polder.fleet.acme`, and renew it.";
    };
    client_certificates = mkOption {
      type = types.nullOr (
        types.submodule {
          options = {
            mode = daemonDefault {
              type = types.enum [
                "optional"
                "required"
              ];
              description = "What becomes of requests of visitors who have shown no certificate: they are served, or refused.";
            };
            ca_file = mkOption {
              type = types.path;
              example = lib.literalExpression "./staff-ca.pem";
              description = "The certificates in PEM of the authorities that may have issued a visitor's.";
            };
            crl_file = daemonDefault {
              type = fleetTypes.keyPath;
              example = "/var/lib/staff-ca/crl.pem";
              description = "Lists of the certificates that they have revoked, in PEM, in a file that is on every proxy. It is read again when it changes.";
            };
          };
        }
      );
      default = null;
      description = ''
        Visitors are asked for certificates of their own, and backends are told whose they are
        ([documents.md](documents.md#servicesnametlsclient_certificates)).
      '';
    };
  };

  rate = {
    rate = mkOption {
      type = fleetTypes.rate;
      example = "20/s";
      description = "How fast requests may come.";
    };
    burst = daemonDefault {
      type = types.ints.between 1 1000000;
      description = "Requests that may come at once after a quiet while.";
    };
  };

  clientRate.options = rate // {
    prefix4 = daemonDefault {
      type = types.ints.between 8 32;
      description = "Bits of an IPv4 address that make a client.";
    };
    prefix6 = daemonDefault {
      type = types.ints.between 16 64;
      description = "Bits of an IPv6 address that make a client.";
    };
    entries = daemonDefault {
      type = types.ints.between 8 16777216;
      description = "Clients that are remembered at a time, 8 bytes each.";
    };
    exempt = daemonDefault {
      type = types.listOf types.str;
      example = [ "198.51.100.0/24" ];
      description = "Networks whose clients are not limited.";
    };
  };
in

{ ... }:

{
  options = import ./targets.nix { inherit lib fleetTypes; } // {
    hosts = mkOption {
      type = types.nonEmptyListOf fleetTypes.serviceHost;
      example = [
        "www.example.net"
        "*.pages.example.net"
      ];
      description = "The host names of the service. `*` is whatever no other service has.";
    };
    paths = daemonDefault {
      type = types.nonEmptyListOf (types.strMatching "/.*");
      example = [ "/shop" ];
      description = "The path prefixes of the service, in whole segments: `/shop` matches `/shop/cart` and not `/shopping`.";
    };
    mode = mkOption {
      type = types.nullOr (
        types.enum [
          "stateless"
          "stateful"
        ]
      );
      default = null;
      example = "stateless";
      description = "With `backends`: whether visitors must stay on one of them (`stateful`) or not.";
    };
    failover = daemonDefault {
      type = types.enum [
        "permanent"
        "automatic"
      ];
      description = ''
        Stateful services only. With `permanent`, there is one primary and an ordered list of backups: the service fails over to a
        backup and stays there until an operator fails it back. With `automatic`, there are several primaries and a cookie keeps
        each visitor on one.
      '';
    };
    balance = daemonDefault {
      type = types.enum [
        "round-robin"
        "least-connections"
        "random-two-choices"
      ];
      description = "How requests are distributed over the primaries when neither a cookie nor the latch decides.";
    };
    backends = mkOption {
      type = types.listOf (types.submodule backend);
      default = [ ];
      example = [
        { host = "web-1"; }
        {
          host = "web-2";
          backup = true;
        }
      ];
      description = "The webservers, in order of preference. A service has either these, or one of `redirect`, `answer` and `files`.";
    };
    check = mkOption {
      type = types.nullOr types.str;
      default = null;
      defaultText = lib.literalMD "`GET /` with the daemon's own times";
      example = "web";
      description = "Which of `polder.fleet.checks` probes the backends.";
    };
    cookie = mkOption {
      type = types.nullOr types.str;
      default = null;
      defaultText = lib.literalMD "one that is sealed with the key `polder.keys.cookies`";
      example = "clear";
      description = "Stateful services only: which of `polder.fleet.cookies` keeps visitors on their backend.";
    };
    cookieName = mkOption {
      type = types.nullOr types.str;
      default = null;
      defaultText = lib.literalMD "`polder-` and the service's name";
      description = "Stateful services only: the name of the cookie.";
    };
    tls = mkOption {
      type = types.nullOr (types.either (types.enum [ "acme" ]) (types.submodule tls));
      default = null;
      example = "acme";
      description = ''
        How the service is reached over TLS, on port 443, too: with certificates in files, or with one that the proxies get by
        themselves from the CA of `polder.fleet.acme` (`"acme"`). Without it, in clear text alone.
      '';
    };
    https = daemonDefault {
      type = types.enum [
        "optional"
        "redirect"
      ];
      description = "Only with `tls`: whether visitors in clear text are served, or sent to https.";
    };
    hsts = mkOption {
      type = types.nullOr (
        types.submodule {
          options = {
            max_age = daemonDefault {
              type = duration;
              example = "730d";
              description = "For how long browsers come over https alone. Begin with an hour; `0s` takes it back.";
            };
            include_subdomains = daemonDefault {
              type = types.bool;
              description = "That holds for every name below the hosts, too, whoever serves it.";
            };
            preload = daemonDefault {
              type = types.bool;
              description = "Browsers may have it built in (hstspreload.org): needs 365 days and `include_subdomains`.";
            };
          };
        }
      );
      default = null;
      example = { };
      description = "Only with `tls`: what browsers are told of the next visits (Strict-Transport-Security).";
    };
    backend_tls = mkOption {
      type = types.nullOr (
        types.submodule {
          options = {
            ca_file = mkOption {
              type = types.path;
              example = lib.literalExpression "./backends-ca.pem";
              description = "The certificates in PEM of the authorities that may have issued a backend's certificate.";
            };
            server_name = daemonDefault {
              type = types.str;
              example = "web.internal";
              description = "The name that a backend's certificate must be for. Without it, the backend's address.";
            };
            client_certificate = mkOption {
              type = types.nullOr (types.submodule (certificateFor "px.example.net"));
              default = null;
              description = "What is shown to a backend that asks for a certificate, in files that are on every proxy.";
            };
          };
        }
      );
      default = null;
      description = ''
        How the backends are connected to and checked over TLS. They are verified always. Without it, in clear text
        ([documents.md](documents.md#servicesnamebackend_tls)).
      '';
    };
    allow = daemonDefault {
      type = types.nonEmptyListOf types.str;
      example = [
        "10.0.0.0/8"
        "2001:db8::/32"
      ];
      description = ''
        The networks whose visitors are served; all others are answered 403. The most specific network of `allow` and `deny`
        decides ([access.md](access.md#networks)).
      '';
    };
    deny = daemonDefault {
      type = types.nonEmptyListOf types.str;
      example = [ "10.66.0.0/16" ];
      description = "The networks whose visitors are answered 403.";
    };
    basic_auth = mkOption {
      type = types.nullOr (
        types.submodule {
          options = {
            users_file = mkOption {
              type = fleetTypes.keyPath;
              example = "/run/secrets/wiki-users";
              description = "Lines of `NAME:HASH` (`htpasswd -nB NAME`), in a file that is on every proxy. It is read again when it changes.";
            };
            realm = daemonDefault {
              type = types.str;
              example = "The staff";
              description = "What browsers show to whom they ask.";
            };
            pass = daemonDefault {
              type = types.bool;
              description = "Whether backends get the `Authorization` field, too.";
            };
          };
        }
      );
      default = null;
      description = "Visitors show a name and a password ([access.md](access.md#passwords)).";
    };
    forward_auth = mkOption {
      type = types.nullOr (
        types.submodule {
          options = {
            address = mkOption {
              type = types.str;
              example = "127.0.0.1:9091";
              description = "Where the server is asked: an address and a port.";
            };
            path = daemonDefault {
              type = types.strMatching "/.*";
              example = "/api/authz/forward-auth";
              description = "What it is asked for.";
            };
            host = daemonDefault {
              type = types.str;
              example = "auth.example.net";
              description = "The `Host` of each question.";
            };
            timeout = daemonDefault {
              type = duration;
              description = "How long its whole answer may take.";
            };
            send = daemonDefault {
              type = types.listOf types.str;
              example = [ "Cookie" ];
              description = "The visitor's fields that it is sent.";
            };
            copy = daemonDefault {
              type = types.listOf types.str;
              example = [ "Remote-User" ];
              description = "The fields of its answer that the backend gets.";
            };
          };
        }
      );
      default = null;
      description = "Another server is asked whether a request may go on ([access.md](access.md#another-server)).";
    };
    pass_fields = daemonDefault {
      type = types.nonEmptyListOf types.str;
      example = [ "X-HTTP-Method-Override" ];
      description = ''
        Request fields to pass on to the backends of this service. They are removed otherwise, because programs trust them when
        they come from a gateway ([documents.md](documents.md) has the list).
      '';
    };
    request_headers = headers {
      to = "the backends";
      example.set.X-Real-IP = "{client}";
    };
    response_headers = headers {
      to = "visitors";
      example.remove = [ "Server" ];
    };
    abort_on_close = daemonDefault {
      type = types.bool;
      description = "Whether a visitor who closes the sending half of the connection is taken for gone while the response has not begun, as HAProxy's `option abortonclose`.";
    };
    protocol = daemonDefault {
      type = types.enum [
        "http1"
        "h2"
        "h2c"
      ];
      description = "What the backends speak: HTTP/1.1, HTTP/2 over TLS (with `backend_tls`), or HTTP/2 in clear text. For gRPC one of the latter two.";
    };
    retry_on = daemonDefault {
      type = types.listOf (
        types.enum [
          "empty-response"
          "junk-response"
          "response-timeout"
          "502"
          "503"
          "504"
        ]
      );
      example = [
        "empty-response"
        "503"
      ];
      description = "After what a request that may be sent twice is sent to another backend, as HAProxy's `retry-on` ([limits.md](limits.md#retries)).";
    };
    retry_budget = daemonDefault {
      type = types.ints.between 1 100;
      description = "Of a hundred requests of the last ten seconds, how many may be sent again.";
    };
    try_timeout = daemonDefault {
      type = duration;
      example = "5s";
      description = "How long one attempt may take to the end of the response's head.";
    };
    max_queue = daemonDefault {
      type = types.ints.between 0 1000000;
      description = "Only where a backend has `max_connections`: requests that may queue at a time.";
    };
    queue_timeout = daemonDefault {
      type = duration;
      description = "Only where a backend has `max_connections`: how long a request may queue.";
    };
    slow_start = daemonDefault {
      type = duration;
      example = "30s";
      description = "Not with permanent failover: in which time the weight of a backend that has come up grows to what it is, as with HAProxy's `slowstart`.";
    };
    max_request_body = daemonDefault {
      type = types.ints.between 0 1099511627776;
      example = 10485760;
      description = "Bytes that the body of a request may have; a longer one is answered 413.";
    };
    rate_limit = mkOption {
      type = types.nullOr (
        types.submodule {
          options = {
            client = mkOption {
              type = types.nullOr (types.submodule clientRate);
              default = null;
              example.rate = "20/s";
              description = "How many requests each client may send.";
            };
            service = mkOption {
              type = types.nullOr (types.submodule { options = rate; });
              default = null;
              example.rate = "1000/s";
              description = "How many requests all clients together may send.";
            };
          };
        }
      );
      default = null;
      example.client = {
        rate = "20/s";
        burst = 100;
      };
      description = ''
        How many requests the service takes; beyond that they are answered 429 ([limits.md](limits.md#rate-limit)). Each proxy counts
        alone.
      '';
    };
    redispatch = daemonDefault {
      type = types.enum [
        "never"
        "last"
        "first"
      ];
      description = "For which retry a visitor with a valid cookie leaves a backend that refuses connections and is still up, as HAProxy's `option redispatch`.";
    };
    retries = daemonDefault {
      type = types.ints.between 0 10;
      description = "How often to try again, after the first attempt, when no connection to a backend can be opened.";
    };
    reuse = daemonDefault {
      type = types.enum [
        "never"
        "safe"
        "always"
      ];
      description = ''
        Whose requests go over an idle connection to a backend, as HAProxy's `http-reuse`. Connections that were authenticated (NTLM,
        Negotiate) belong to one visitor in any case.
      '';
    };
    send_proxy = daemonDefault {
      type = types.enum [
        "none"
        "v1"
        "v2"
      ];
      example = "v2";
      description = "Whether connections to backends begin with a header of the PROXY protocol that names the visitor, as HAProxy's `send-proxy` and `send-proxy-v2`. The sites must ask for it, and no connection is then shared by visitors.";
    };
    start_grace = daemonDefault {
      type = duration;
      description = "Permanent failover only: how long to wait for the active backend to come up after a start of the proxy, or after a reload that names a new target for it, before failing over.";
    };
    last_resort = daemonDefault {
      type = types.bool;
      description = "Permanent failover only: whether a backend that the service has failed away from may serve when nothing else is up.";
    };
    failover_drain = daemonDefault {
      type = duration;
      description = "Permanent failover only: how long requests in progress may finish when an operator orders a failover.";
    };
  };
}
