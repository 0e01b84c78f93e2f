# The typed fleet: all hosts of one installation and what they serve. The value is the same on every host; each role takes its part.
#
# Owns `polder.fleet`, which host of it this system is, and the assertions for mistakes that types cannot catch. It must never
# configure a system: the role modules do that.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.polder;
  fleetTypes = import ./fleet/types.nix { inherit lib; };
  submodule = file: types.submodule (import file { inherit lib fleetTypes; });
in
{
  options.polder = {
    fleet = {
      locations = mkOption {
        type = types.attrsOf (submodule ./fleet/location.nix);
        default = { };
        example = {
          nl.description = "Amsterdam";
        };
        description = ''
          The places where hosts stand. A fleet needs at least two to survive the loss of one. If any is declared, the
          location of every host must be one of them.
        '';
      };

      hosts = mkOption {
        type = types.attrsOf (submodule ./fleet/host.nix);
        default = { };
        description = "The machines, by name. A host's name is also the host name of its NixOS system.";
      };

      zones = mkOption {
        type = types.attrsOf (submodule ./fleet/zone.nix);
        default = { };
        description = "The DNS zones that the nameservers answer for, by apex.";
      };

      tsig = mkOption {
        type = types.attrsOf (submodule ./fleet/tsig.nix);
        default = { };
        example = {
          "backup.example.net" = { };
        };
        description = "The keys by which other nameservers are known that get zones, by the name that both sides have for them.";
      };

      encrypted_dns = mkOption {
        type = types.nullOr (submodule ./fleet/encrypted-dns.nix);
        default = null;
        example = {
          names = [ "dns.example.net" ];
        };
        description = ''
          The nameservers answer over encrypted transports, too ([encrypted.md](encrypted.md)). Limits go into `encrypted` of
          `polder.nameserver.settings`.
        '';
      };

      pools = mkOption {
        type = types.attrsOf (submodule ./fleet/pool.nix);
        default = { };
        description = "DNS names that are answered with the addresses of proxies.";
      };

      services = mkOption {
        type = types.attrsOf (submodule ./fleet/service.nix);
        default = { };
        description = "What visitors reach, by name. Every proxy serves all services.";
      };

      acme = mkOption {
        type = types.nullOr (submodule ./fleet/acme.nix);
        default = null;
        example = {
          terms_of_service_agreed = true;
          contact = [ "hostmaster@example.net" ];
        };
        description = ''
          The certificate authority from which the proxies get the certificates of services with `tls = "acme"`, and the nameservers that of
          `polder.fleet.encrypted_dns.names` ([certificates.md](certificates.md)). With `dns-01`, the nameservers answer its challenges.
        '';
      };

      checks = mkOption {
        type = types.attrsOf (submodule ./fleet/check.nix);
        default = { };
        description = ''
          Active health probes by name, for `polder.fleet.services.*.check` and `polder.fleet.pools.*.check`.
          `ready` always exists: it asks a proxy for the page that says whether it can serve.
        '';
      };

      cookies = mkOption {
        type = types.attrsOf (submodule ./fleet/cookie.nix);
        default = { };
        description = "Kinds of session cookies, by name, for `polder.fleet.services.*.cookie`.";
      };

      sites = mkOption {
        type = types.attrsOf (submodule ./fleet/site.nix);
        default = { };
        description = "Directories of web pages that backends serve with nginx, by name.";
      };

      agreement = mkOption {
        type = submodule ./fleet/agreement.nix;
        default = { };
        description = "How the proxies agree on the active backend of each stateful service, so that two of them never serve two backends.";
      };

      metricsFrom = mkOption {
        type = types.listOf fleetTypes.ipAddress;
        default = [ ];
        example = [ "192.0.2.41" ];
        description = ''
          The addresses of the monitoring system: those that may read the metrics and the status of a daemon (`/metrics`,
          `/status`) over TCP. Requests may name a host by its addresses, its name or its fully qualified name
          (`networking.fqdn`); other names must be listed in `admin.hosts` of the daemon's settings. If empty, the daemons
          offer both pages on the loopback interface only. With addresses here, the daemons' pages link to each other.
        '';
      };
    };

    host = mkOption {
      type = types.str;
      default = config.networking.hostName;
      defaultText = lib.literalExpression "config.networking.hostName";
      description = "Which host of `polder.fleet.hosts` this system is.";
    };

    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ../pkgs/polder.nix { };
      defaultText = lib.literalExpression "pkgs.callPackage ./pkgs/polder.nix { }";
      description = "The polder package that this system runs.";
    };

    checkPackage = mkOption {
      type = types.package;
      default =
        if pkgs.stdenv.buildPlatform.canExecute pkgs.stdenv.hostPlatform then
          cfg.package
        else
          pkgs.buildPackages.callPackage ../pkgs/polder.nix { };
      defaultText = lib.literalMD "`polder.package`, made for the machine that builds";
      description = "The polder package that checks documents and zones when the system is built. It must have the version of `polder.package`.";
    };

    evaluated = mkOption {
      type = types.raw;
      internal = true;
      readOnly = true;
      default = import ./fleet/evaluated.nix { inherit lib config; };
      description = "What `polder check` reads of this system.";
    };

    keys = mkOption {
      type = types.attrsOf fleetTypes.keyPath;
      default = { };
      example = {
        cookies = "/run/secrets/polder-cookies";
      };
      description = ''
        Key files on this host, by the name of the key. A file has one key per line, each 32 bytes in base64
        (`openssl rand -base64 32`). `cookies` seals the cookies of stateful services; `dns_cookies` is the secret of the
        nameservers' DNS cookies (without it each nameserver uses a random one); `tsig` is the secret that is shared with nameservers
        which get zones; `polder.fleet.cookies.*.key` and `polder.fleet.tsig.*.key` may name others.
        A key must be the same on every host that has it, and readable by the user of the daemon that needs it (`polder-proxy`,
        `polder-dns`) and nobody else. It must never be in the store: give a path that your secrets manager provides, or one
        below /var/lib/polder-keys, where each file is given to its daemon.
      '';
    };
  };

  config = {
    polder.fleet.checks.ready = {
      port = lib.mkDefault 80;
      path = lib.mkDefault "/.polder/ready";
    };
    assertions = import ./fleet/assertions.nix {
      inherit lib;
      inherit (cfg) fleet host;
    };
  };
}
