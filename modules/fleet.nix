# The typed fleet: all hosts of one installation and what they serve. The same value on every host; each role takes its part.
#
# Owns: `polder.fleet`, which host of it this system is, and what assertions can catch that types cannot.
# Must never: configure anything of a system. The role modules do that.
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
          Where hosts stand. Two at least make a fleet that outlives one of them. Declared, they are all that there are: a
          host elsewhere is an error.
        '';
      };

      hosts = mkOption {
        type = types.attrsOf (submodule ./fleet/host.nix);
        default = { };
        description = "The machines, by name. The name is also the host name of its NixOS system.";
      };

      zones = mkOption {
        type = types.attrsOf (submodule ./fleet/zone.nix);
        default = { };
        description = "The DNS zones that the nameservers answer for, by apex.";
      };

      pools = mkOption {
        type = types.attrsOf (submodule ./fleet/pool.nix);
        default = { };
        description = "DNS names whose addresses are the proxies in them.";
      };

      services = mkOption {
        type = types.attrsOf (submodule ./fleet/service.nix);
        default = { };
        description = "What visitors reach, by name. Every proxy serves all of them.";
      };

      checks = mkOption {
        type = types.attrsOf (submodule ./fleet/check.nix);
        default = { };
        description = ''
          Active health probes by name, for `polder.fleet.services.*.check` and `polder.fleet.pools.*.check`.
          `ready` is always there: the page on which a proxy says that it can serve.
        '';
      };

      cookies = mkOption {
        type = types.attrsOf (submodule ./fleet/cookie.nix);
        default = { };
        description = "Kinds of cookies that name a backend, by name, for `polder.fleet.services.*.cookie`.";
      };

      sites = mkOption {
        type = types.attrsOf (submodule ./fleet/site.nix);
        default = { };
        description = "Folders of web pages that backends serve with nginx, by name.";
      };

      metricsFrom = mkOption {
        type = types.listOf fleetTypes.ipAddress;
        default = [ ];
        example = [ "192.0.2.41" ];
        description = ''
          Addresses that may read a daemon's metrics and status (`/metrics`, `/status`) over TCP: those of the monitoring.
          It may ask for a host by its addresses, its name or its name with the domain (`networking.fqdn`); other names go into
          `admin.hosts` of the daemon's settings.
          Without any the daemons offer them on loopback only.
        '';
      };
    };

    host = mkOption {
      type = types.str;
      default = config.networking.hostName;
      defaultText = lib.literalExpression "config.networking.hostName";
      description = "Which of `polder.fleet.hosts` this system is.";
    };

    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ../pkgs/polder.nix { };
      defaultText = lib.literalExpression "pkgs.callPackage ./pkgs/polder.nix { }";
      description = "The polder that this system runs.";
    };

    checkPackage = mkOption {
      type = types.package;
      default =
        if pkgs.stdenv.buildPlatform.canExecute pkgs.stdenv.hostPlatform then
          cfg.package
        else
          pkgs.buildPackages.callPackage ../pkgs/polder.nix { };
      defaultText = lib.literalMD "`polder.package`, made for the machine that builds";
      description = "The polder that checks documents and zones when the system is built; of the same version as `polder.package`.";
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
        The files on this host that hold keys, by name: one key a line, 32 bytes in base64 (`openssl rand -base64 32`).
        `cookies` seals the cookies of stateful services; `dns_cookies` is the secret of the nameservers' DNS cookies (without
        it each has a random one); others are named by `polder.fleet.cookies.*.key`. A key has to be the same on every host
        that has it, readable for the user of the daemon that needs it (`polder-proxy`, `polder-dns`) and for nobody else, and
        never in the store: name a path of your secrets' tool, or one below /var/lib/polder-keys, where each file is given to
        its daemon.
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
