# The fleet that the tests boot, and the functions that their scripts share.
#
# Two nameservers, two proxies, three webservers and a client, at the addresses of the test network. `www` is stateless, on web1 and web2;
# `shop` is stateful, on web2 with web3 as backup. There is an svn machine, and an admin machine with the operator alice. Check intervals
# are as short as those of `polder drill`. A test starts the machines that it needs.
{
  lib,
  pkgs,
  self,
}:

let
  fleetHosts = {
    ns1 = "nameserver";
    ns2 = "nameserver";
    px1 = "proxy";
    px2 = "proxy";
    web1 = "backend";
    web2 = "backend";
    web3 = "backend";
    svn = "svn";
    admin = "admin";
  };

  # Not a secret: it protects nothing but a test. hardening.nix makes a real one.
  keyFile = {
    source = ./data/cookie-key;
    mode = "0400";
    user = "polder-proxy";
  };

  # The key pairs by which the daemons know each other. A host would make its own; these are listed in the fleet beforehand.
  identity = name: ./data/identities + "/${name}";
  publicHalf =
    name:
    lib.last (
      lib.splitString " " (lib.head (lib.splitString "\n" (builtins.readFile (identity name))))
    );
  daemons = import ../../modules/daemons.nix;

  zone =
    addressOf:
    pkgs.writeText "example.test.zone" ''
      $ORIGIN example.test.
      $TTL 5
      @    IN SOA   ns1 hostmaster ( 1 3600 600 86400 5 )
           IN NS    ns1
           IN NS    ns2
      ns1  IN A     ${addressOf "ns1"}
      ns2  IN A     ${addressOf "ns2"}
      www  IN CNAME http0.l
      shop IN CNAME http0.l
      big  IN TXT   ${lib.concatStringsSep " " (lib.genList (n: ''"${lib.fixedWidthNumber 200 n}"'') 9)}
    '';

  # Every machine knows the fleet. Its name gives it its role.
  fleet =
    { nodes, lib, ... }:
    let
      addressOf = name: nodes.${name}.networking.primaryIPAddress;
      backend = name: {
        host = name;
        port = 8080;
      };
    in
    {
      imports = [ self.nixosModules.default ];

      polder.package = lib.mkDefault self.packages.${pkgs.stdenv.hostPlatform.system}.polder;
      polder.fleet = {
        locations.here = { };
        hosts = lib.mapAttrs (name: role: {
          location = "here";
          roles = [ role ];
          ipv4 = addressOf name;
          peerKeys = lib.mapAttrs (kind: _: lib.optional (role == kind) (publicHalf name)) daemons;
        }) fleetHosts;

        zones."example.test".file = zone addressOf;
        pools."http0.l.example.test" = {
          ttl = lib.mkDefault 5;
          aliases = [ "example.test" ];
        };

        checks.ready = fast;
        checks.web = fast // {
          path = "/healthz";
        };
        services.www = {
          hosts = [
            "www.example.test"
            "example.test"
          ];
          mode = "stateless";
          backends = [
            (backend "web1")
            (backend "web2")
          ];
          check = "web";
        };
        services.shop = {
          hosts = [ "shop.example.test" ];
          mode = "stateful";
          backends = [
            (backend "web2" // { port = 8081; })
            (
              backend "web3"
              // {
                port = 8081;
                backup = true;
              }
            )
          ];
          check = "web";
          failover_drain = "500ms";
          start_grace = "2s";
        };
      };
      polder.keys.cookies = "/etc/test-keys/cookies";
    };

  # As in `polder drill`, a little slower because whole machines share the processors.
  fast = {
    interval = "300ms";
    timeout = "250ms";
    fall = 3;
    rise = 2;
  };
  # interval + timeout + (fall - 1) * timeout
  detection = 1.05;

  daemonHost =
    name:
    let
      daemon = daemons.${fleetHosts.${name}}.name;
    in
    {
      imports = [ fleet ];
      environment.etc."test-keys/cookies" = lib.mkIf (daemon == "polder-proxy") keyFile;
      systemd.tmpfiles.settings.test-identity = {
        "/var/lib/${daemon}".d = {
          mode = "0700";
          user = daemon;
          group = daemon;
        };
        "/var/lib/${daemon}/identity.key".C = {
          mode = "0400";
          user = daemon;
          group = daemon;
          argument = "${identity name}";
        };
      };
      environment.systemPackages = [
        pkgs.dig
        pkgs.jq
        pkgs.nftables
      ];
    };

  webHost = programs: {
    imports = [
      fleet
      ./push/fleet/lab/programs.nix
    ];
    polder.backend.local = programs;
  };
in
{
  inherit fleet detection;

  # Whether the machines can run systemd-resolved. If not, a test omits it.
  hasResolved = options: options.services ? resolved;

  nodes = {
    ns1 = daemonHost "ns1";
    ns2 = daemonHost "ns2";
    px1 = daemonHost "px1";
    px2 = daemonHost "px2";
    web1 = webHost { www.port = 8080; };
    web2 = webHost {
      www.port = 8080;
      shop.port = 8081;
    };
    web3 = webHost { shop.port = 8081; };

    svn = {
      imports = [ fleet ];
      polder.svn.users.alice.keys = [ (lib.fileContents ./data/alice.pub) ];
    };
    admin = {
      imports = [ fleet ];
      polder.admin.operators = [ "alice" ];
      users.users.alice.isNormalUser = true;
      programs.ssh.extraConfig = ''
        StrictHostKeyChecking no
        UserKnownHostsFile /dev/null
        LogLevel ERROR
      '';
    };

    client =
      { nodes, ... }:
      {
        environment.systemPackages = [
          self.packages.${pkgs.stdenv.hostPlatform.system}.polder
          pkgs.dig
          pkgs.jq
        ];
        services.unbound = {
          enable = true;
          # It would be fetched, and vouches for no zone of a test.
          enableRootTrustAnchor = false;
          settings = {
            server = {
              # The zone of a test has no parent that could sign for it.
              module-config = ''"iterator"'';
              domain-insecure = [ "example.test" ];
              local-zone = [ "test. nodefault" ];
              # Retry a nameserver soon after it was unreachable.
              infra-host-ttl = 5;
              do-not-query-localhost = false;
            };
            stub-zone = [
              {
                name = "example.test";
                stub-addr = map (name: nodes.${name}.networking.primaryIPAddress) [
                  "ns1"
                  "ns2"
                ];
              }
            ];
          };
        };
      };
  };

  # Python that every script begins with.
  prelude =
    nodes:
    ''
      ADDRESS = ${builtins.toJSON (lib.mapAttrs (_: node: node.networking.primaryIPAddress) nodes)}
      NS1, NS2, PX1, PX2 = (ADDRESS[name] for name in ("ns1", "ns2", "px1", "px2"))
      NAMESERVERS = (NS1, NS2)
    ''
    + builtins.readFile ./script.py
    + ''

      def ready(*hosts):
          """Starts machines and waits until their role's daemons say that they are."""
          boot(*hosts)
          for host in hosts:
              if host.name.startswith("ns"):
                  host.wait_for_unit("polder-dns.service")
              elif host.name.startswith("px"):
                  host.wait_for_unit("polder-proxy.service")

      def metrics(host, daemon="polder-proxy"):
          return host.succeed(f"curl -sS --max-time 5 --unix-socket /run/{daemon}/admin.sock http://localhost/metrics")
    '';
}
