# The role proxy: polder-proxy with the whole fleet's services, its peers, its ports.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.polder.proxy;
  inherit (config.polder) fleet host keys;
  members = import ./fleet/members.nix { inherit lib fleet; };
  fleetTypes = import ./fleet/types.nix { inherit lib; };
  firewall = import ./firewall.nix { inherit lib; };
  inherit (fleetTypes) documented;

  this = fleet.hosts.${host};
  proxies = members.hostsOf "proxy";
  hasPeers = lib.length proxies > 1;
  readers = fleet.metrics_from;

  peerPort = 8405;
  adminPort = 8404;

  key = name: keys.${name} or "/missing";

  service =
    name: service:
    documented {
      inherit (service)
        hosts
        paths
        mode
        failover
        balance
        pass_fields
        start_grace
        last_resort
        failover_drain
        ;
      backends = map (
        backend:
        documented {
          inherit (backend) name weight;
          address = members.backendSocket backend;
        }
        // lib.optionalAttrs backend.backup { backup = true; }
      ) service.backends;
    }
    // lib.optionalAttrs (service.check != null) { check = documented fleet.checks.${service.check}; }
    // lib.optionalAttrs (service.mode == "stateful") {
      cookie = documented { name = service.cookie_name; } // cookie (cookieOf service);
    };

  sealed = {
    value = "sealed";
    key = "cookies";
  };
  # A kind that nobody has defined is an assertion's to tell.
  cookieOf =
    service: if service.cookie == null then sealed else fleet.cookies.${service.cookie} or sealed;
  cookie =
    kind:
    {
      inherit (kind) value;
    }
    // lib.optionalAttrs (kind.key != null) { key_file = key kind.key; };

  neededKeys =
    lib.optional hasPeers {
      name = "peers";
      why = "the proxies (${lib.concatStringsSep ", " proxies}) tell each other by it";
    }
    ++ lib.concatLists (
      lib.mapAttrsToList (
        name: service:
        let
          kind = cookieOf service;
        in
        lib.optional (service.mode == "stateful" && kind.key != null) {
          name = kind.key;
          why = "polder.fleet.services.${name} seals its cookie with it, unless its cookie is one of polder.fleet.cookies with the value \"address\"";
        }
      ) fleet.services
    );

  daemon = import ./daemon.nix { inherit lib pkgs config; } {
    name = "polder-proxy";
    description = "HTTP proxy of the fleet";
    file = "proxy.json";
    inherit (cfg) settings;
    stopLimit = "45s";
    inherit (cfg) memoryMax;
  };
in
{
  options.polder.proxy = {
    enable = mkOption {
      type = types.bool;
      default = lib.elem "proxy" (fleet.hosts.${host}.roles or [ ]);
      defaultText = lib.literalMD "whether this host has the role proxy";
      description = "Whether to run polder-proxy.";
    };
    settings = mkOption {
      type = types.submodule { freeformType = (pkgs.formats.json { }).type; };
      default = { };
      example = {
        timeouts.response_head = "90s";
        limits.connections = 50000;
      };
      description = ''
        The daemon's document, /etc/polder/proxy.json ([documents.md](documents.md)). Name, listeners, peers and services
        come from the fleet; add what this host needs besides. The daemon checks all of it when the system is built.
      '';
    };
    memoryMax = mkOption {
      type = types.str;
      default = "2G";
      description = "What the daemon may use of the machine's memory; during a takeover there are two of them.";
    };
  };

  config = lib.mkIf cfg.enable (
    lib.mkMerge [
      daemon
      {
        polder.proxy.settings = {
          version = 1;
          name = host;
          listeners = lib.mkDefault (
            [
              {
                name = "http";
                address = "0.0.0.0:80";
              }
            ]
            ++ lib.optional config.networking.enableIPv6 {
              name = "http6";
              address = "[::]:80";
            }
          );
          admin = {
            socket = "/run/polder-proxy/admin.sock";
            address = lib.mkDefault (
              if readers == [ ] then "127.0.0.1:${toString adminPort}" else this.socket adminPort
            );
            # What a monitoring may ask for besides the address that it connects to and the host's name.
            hosts = lib.mkDefault (
              this.addresses ++ lib.optional (config.networking.domain != null) config.networking.fqdn
            );
          };
          state_dir = "/var/lib/polder-proxy";
          services = lib.mapAttrs service fleet.services;
        }
        // lib.optionalAttrs hasPeers {
          peers = {
            listen = this.socket peerPort;
            key_file = key "peers";
            members = lib.genAttrs proxies (name: fleet.hosts.${name}.socket peerPort);
          };
        };

        assertions = [
          {
            assertion = fleet.services != { };
            message = "polder.fleet.services: there is none, and host ${host} is a proxy: it would have nothing to serve";
          }
          {
            assertion = !lib.any (site: site.port == 80) (lib.attrValues (members.sitesOn host));
            message = "polder.fleet.sites: a site on port 80 is on ${host}, where the proxy listens: give it another port";
          }
        ]
        ++ map (needed: {
          assertion = keys ? ${needed.name};
          message = "polder.keys.${needed.name} is missing on ${host}: ${needed.why}; name the file that holds it";
        }) neededKeys;

        networking.nftables.enable = lib.mkDefault true;
        networking.firewall = {
          allowedTCPPorts = [ 80 ];
          extraInputRules =
            firewall.only peerPort (
              lib.concatMap (name: fleet.hosts.${name}.addresses) (lib.remove host proxies)
            )
            + firewall.only adminPort readers;
        };
      }
    ]
  );
}
