# The role nameserver: polder-dns with the zones and pools that this host answers for, its peers, its ports.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.polder.nameserver;
  inherit (config.polder) fleet host keys;
  members = import ./fleet/members.nix { inherit lib fleet; };
  fleetTypes = import ./fleet/types.nix { inherit lib; };
  firewall = import ./firewall.nix { inherit lib; };
  inherit (fleetTypes) documented;

  this = fleet.hosts.${host};
  nameservers = members.hostsOf "nameserver";
  hasPeers = lib.length nameservers > 1;
  readers = fleet.metrics_from;

  peerPort = 8454;
  adminPort = 8453;

  zones = lib.filterAttrs (apex: _: lib.elem host (members.nameserversOf apex)) fleet.zones;
  pools = lib.filterAttrs (
    name: _: lib.any (apex: members.within apex name) (lib.attrNames zones)
  ) fleet.pools;

  pool =
    name: pool:
    documented { inherit (pool) ttl when_all_down; }
    // {
      inherit (pool) aliases;
      check = documented fleet.checks.${pool.check};
      members = lib.genAttrs (members.membersOf name) (proxy: {
        inherit (fleet.hosts.${proxy}) addresses;
      });
    };

  # A folder in the store for each zone: the daemon reads what the zone includes from there and from nowhere else.
  zoneFile =
    apex: zone:
    let
      files = {
        "${apex}.zone" = zone.file;
      }
      // zone.includes;
      install = name: file: ''
        install -D -m 444 ${fleetTypes.stored (baseNameOf name) file} "$out"/${lib.escapeShellArg name}
      '';
    in
    "${
      pkgs.runCommand "zone-${apex}" { } (lib.concatStrings (lib.mapAttrsToList install files))
    }/${apex}.zone";

  daemon = import ./daemon.nix { inherit lib pkgs config; } {
    name = "polder-dns";
    description = "Authoritative nameserver of the fleet";
    file = "dns.json";
    inherit (cfg) settings;
    keyFiles = lib.optional (keys ? dns_cookies) keys.dns_cookies;
    stopLimit = "20s";
    inherit (cfg) memoryMax;
  };
in
{
  options.polder.nameserver = {
    enable = mkOption {
      type = types.bool;
      default = lib.elem "nameserver" (fleet.hosts.${host}.roles or [ ]);
      defaultText = lib.literalMD "whether this host has the role nameserver";
      description = "Whether to run polder-dns.";
    };
    settings = mkOption {
      type = types.submodule { freeformType = (pkgs.formats.json { }).type; };
      default = { };
      example = {
        workers = 2;
        tcp.connections = 500;
      };
      description = ''
        The daemon's document, /etc/polder/dns.json ([documents.md](documents.md)). Name, listeners, peers, zones and pools
        come from the fleet; add what this host needs besides. The daemon checks all of it, and every zone, when the
        system is built.
      '';
    };
    memoryMax = mkOption {
      type = types.str;
      default = "1G";
      description = "What the daemon may use of the machine's memory; during a takeover there are two of them.";
    };
  };

  config = lib.mkIf cfg.enable (
    lib.mkMerge [
      daemon
      {
        polder.nameserver.settings = {
          version = 1;
          name = host;
          listeners = lib.mkDefault ([ "0.0.0.0:53" ] ++ lib.optional config.networking.enableIPv6 "[::]:53");
          admin = {
            socket = "/run/polder-dns/admin.sock";
            address = lib.mkDefault (
              if readers == [ ] then "127.0.0.1:${toString adminPort}" else this.socket adminPort
            );
            # What a monitoring may ask for besides the address that it connects to and the host's name.
            hosts = lib.mkDefault (
              this.addresses ++ lib.optional (config.networking.domain != null) config.networking.fqdn
            );
          };
          state_dir = "/var/lib/polder-dns";
          # A zone's store path stands in the document, so that a change of the zone is a change of the document.
          zones = lib.mapAttrs (apex: zone: { file = zoneFile apex zone; }) zones;
          pools = lib.mapAttrs pool pools;
        }
        // lib.optionalAttrs (keys ? dns_cookies) { cookies.key_file = keys.dns_cookies; }
        // lib.optionalAttrs hasPeers {
          peers = {
            listen = this.socket peerPort;
            key_file = "/var/lib/polder-dns/identity.key";
            members = members.peersOf "nameserver" peerPort nameservers;
          };
        };

        assertions = [
          {
            assertion = zones != { };
            message = "polder.fleet.zones: there is none for ${host}, which is a nameserver: it would have nothing to answer";
          }
          {
            assertion = !(config.services.resolved.enable or false);
            message = "services.resolved.enable: systemd-resolved listens on port 53 of ${host}, where the nameserver does";
          }
        ];

        warnings = lib.optionals hasPeers (members.unknownPeers "nameserver" "polder-dns" nameservers);

        networking.nftables.enable = lib.mkDefault true;
        networking.firewall = {
          allowedTCPPorts = [ 53 ];
          allowedUDPPorts = [ 53 ];
          extraInputRules =
            firewall.only peerPort (
              lib.concatMap (name: fleet.hosts.${name}.addresses) (lib.remove host nameservers)
            )
            + firewall.only adminPort readers;
        };
      }
    ]
  );
}
