# The fleet that the tests boot, and the words that their scripts share.
#
# Two nameservers, two proxies, three webservers and a client, on the networks' own addresses. `www` is stateless on web1 and
# web2; `shop` is stateful: web2, then web3. An svn and an admin machine, with an operator alice. The times are scaled as those of `polder drill`. Tests start the machines they need.
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

  # Known to everybody: it guards nothing but a test. hardening.nix has a real secret.
  keyFile = {
    text = "cG9sZGVyIHRlc3QgcG9sZGVyIHRlc3QgcG9sZGVyISE=\n";
    mode = "0440";
    group = "polder";
  };

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

  # Every machine knows the fleet; only its own name gives it a role.
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
      polder.keys = {
        peers = "/etc/test-keys/peers";
        cookies = "/etc/test-keys/cookies";
      };
    };

  # What `polder drill` scales to, a little slower: whole machines share the processors here.
  fast = {
    interval = "300ms";
    timeout = "250ms";
    fall = 3;
    rise = 2;
  };
  # interval + timeout + (fall - 1) * timeout
  detection = 1.05;

  daemonHost = {
    imports = [ fleet ];
    environment.etc."test-keys/peers" = keyFile;
    environment.etc."test-keys/cookies" = keyFile;
    environment.systemPackages = [
      pkgs.dig
      pkgs.jq
      pkgs.nftables
    ];
  };

  # The demo's webserver, which keeps sessions and says who it is. It ends when its standard input does, so it gets one that
  # stays open; what is written there changes how it answers (`500`, `slow 300`, `well`).
  webHost =
    programs:
    { config, ... }:
    {
      imports = [ fleet ];
      polder.backend.local = programs;
      systemd.services = lib.mapAttrs' (
        name: local:
        lib.nameValuePair "program-${name}" {
          wantedBy = [ "multi-user.target" ];
          after = [ "network.target" ];
          environment.ADDRESS = lib.mkDefault "0.0.0.0:${toString local.port}";
          script = ''
            rm -f "$RUNTIME_DIRECTORY/input"
            mkfifo "$RUNTIME_DIRECTORY/input"
            exec ${lib.getExe config.polder.package} backend --listen "$ADDRESS" \
              --name ${config.networking.hostName} 0<> "$RUNTIME_DIRECTORY/input"
          '';
          serviceConfig = {
            RuntimeDirectory = "program-${name}";
            Restart = "on-failure";
          };
        }
      ) config.polder.backend.local;
    };
in
{
  inherit fleet detection;

  # Whether the test's system can run systemd-resolved; where it cannot, a test goes without.
  hasResolved = options: options.services ? resolved;

  nodes = {
    ns1 = daemonHost;
    ns2 = daemonHost;
    px1 = daemonHost;
    px2 = daemonHost;
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
          settings = {
            server = {
              # A fleet of a test has no parent zone that could sign for it.
              module-config = ''"iterator"'';
              domain-insecure = [ "example.test" ];
              local-zone = [ "test. nodefault" ];
              # A nameserver that was gone is asked again soon.
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
          for host in hosts:
              host.start()
          for host in hosts:
              if host.name.startswith("ns"):
                  host.wait_for_unit("polder-dns.service")
              elif host.name.startswith("px"):
                  host.wait_for_unit("polder-proxy.service")
              else:
                  host.wait_for_unit("multi-user.target")

      def metrics(host, daemon="polder-proxy"):
          return host.succeed(f"curl -sS --max-time 5 --unix-socket /run/{daemon}/admin.sock http://localhost/metrics")
    '';
}
