# Other nameservers beside ours: Knot and NSD as secondaries of the fleet's zones, and as the primary of one that we serve.
#
# Knot gets its copies over TLS and NSD over plain TCP; each has a key of its own. One zone has a pool, and is transferred whole; of the
# other one what has changed is transferred. The proxies are not there: nobody asks them.
{
  lib,
  hostPkgs,
  polderTests,
  ...
}:

let
  # As an authority would give it out. It is no secret here; on a host it lies outside the store.
  certificate = hostPkgs.runCommand "certificate" { nativeBuildInputs = [ hostPkgs.openssl ]; } ''
    mkdir $out
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=ns1.example.test \
      -addext subjectAltName=DNS:ns1.example.test -keyout $out/key.pem -out $out/chain.pem
  '';

  # It has no pool. Nobody looks for a new serial by himself within the test.
  office =
    serial: more:
    hostPkgs.writeText "office.test.zone" ''
      $ORIGIN office.test.
      $TTL 60
      @     IN SOA ns1.example.test. hostmaster.example.test. ( ${toString serial} 86400 86400 864000 60 )
            IN NS  ns1.example.test.
            IN NS  ns2.example.test.
      desk  IN A   192.0.2.1
      ${more}
    '';

  guest = hostPkgs.writeText "guest.test.zone" ''
    $ORIGIN guest.test.
    $TTL 60
    @     IN SOA knot.example.test. hostmaster.example.test. ( 1 86400 86400 864000 60 )
          IN NS  ns1.example.test.
          IN NS  ns2.example.test.
    room  IN A   192.0.2.1
  '';

  # What the fleet says of them.
  fleet =
    { config, nodes, ... }:
    let
      addressOf = name: nodes.${name}.networking.primaryIPAddress;
      transfer = {
        allow = map (name: {
          key = "${name}.example.test";
          networks = [ (addressOf name) ];
        }) partners;
        notify = map (name: {
          key = "${name}.example.test";
          address = addressOf name;
        }) partners;
      };
      partners = [
        "knot"
        "nsd"
      ];
    in
    {
      polder.fleet = {
        tsig."knot.example.test" = {
          algorithm = "hmac-sha512";
          key = "tsig_knot";
        };
        tsig."nsd.example.test".key = "tsig_nsd";
        zones."example.test" = { inherit transfer; };
        zones."office.test" = {
          inherit transfer;
          file = lib.mkDefault (office 1 "");
        };
        zones."guest.test".primaries = [
          {
            address = addressOf "knot";
            key = "knot.example.test";
          }
        ];
        encrypted_dns.certificates = [
          {
            chain_file = "/var/lib/certificates/chain.pem";
            key_file = "/var/lib/certificates/key.pem";
          }
        ];
      };
      polder.keys = {
        tsig_knot = "/var/lib/polder-keys/tsig_knot";
        tsig_nsd = "/var/lib/polder-keys/tsig_nsd";
      };
    };

  # What both have in common: they start when their key is there.
  other = service: {
    networking.firewall = {
      allowedTCPPorts = [ 53 ];
      allowedUDPPorts = [ 53 ];
    };
    systemd.services.${service}.wantedBy = lib.mkForce [ ];
  };
in
{
  name = "transfers";
  globalTimeout = 600;

  nodes = {
    ns1 = {
      imports = [
        polderTests.nodes.ns1
        fleet
      ];
      virtualisation.writableStore = true;
      system.switch.enable = true;
      specialisation.second.configuration.polder.fleet.zones."office.test".file =
        office 2 "chair IN A 192.0.2.2";
      specialisation.third.configuration.polder.fleet.zones."office.test".file =
        office 3 "chair IN A 192.0.2.3";
    };

    knot =
      { nodes, ... }:
      let
        ns1 = nodes.ns1.networking.primaryIPAddress;
        key = "knot.example.test";
      in
      {
        imports = [ (other "knot") ];
        services.knot = {
          enable = true;
          keyFiles = [ "/var/lib/knot-keys/polder.conf" ];
          settings = {
            server.listen = [ "0.0.0.0@53" ];
            log.syslog.any = "info";
            remote.ours = {
              address = [ "${ns1}@53" ];
              inherit key;
            };
            remote.ours-encrypted = {
              address = [ "${ns1}@853" ];
              tls = true;
              inherit key;
            };
            acl.told = {
              address = [ ns1 ];
              inherit key;
              action = [ "notify" ];
            };
            acl.copied = {
              address = [ ns1 ];
              inherit key;
              action = [ "transfer" ];
            };
            zone = {
              "guest.test" = {
                file = "${guest}";
                # The file is in the store: what `knotc` changes is kept in the journal.
                zonefile-sync = "-1";
                notify = [ "ours" ];
                acl = [ "copied" ];
              };
            }
            // lib.genAttrs [ "example.test" "office.test" ] (_: {
              master = [ "ours-encrypted" ];
              acl = [ "told" ];
            });
          };
        };
      };

    nsd =
      { nodes, pkgs, ... }:
      let
        ours = "${nodes.ns1.networking.primaryIPAddress} nsd.example.test";
      in
      {
        imports = [ (other "nsd") ];
        environment.systemPackages = [ pkgs.knot-dns ];
        services.nsd = {
          enable = true;
          interfaces = [ "0.0.0.0" ];
          keys."nsd.example.test".keyFile = "/var/lib/nsd-keys/polder";
          zones = lib.genAttrs [ "example.test" "office.test" ] (_: {
            allowNotify = [ ours ];
            requestXFR = [ ours ];
          });
        };
      };

    client =
      { pkgs, ... }:
      {
        environment.systemPackages = [
          pkgs.dig
          pkgs.knot-dns
          pkgs.netcat
        ];
      };

    # They are in the fleet, and stay off.
    inherit (polderTests.nodes)
      ns2
      px1
      px2
      web1
      web2
      web3
      svn
      admin
      ;
  };

  testScript =
    { nodes, ... }:
    polderTests.prelude nodes
    + builtins.readFile ./data/alerts.py
    + ''
      RULES = {rule["alert"]: rule["expr"] for rule in json.loads(${builtins.toJSON (builtins.toJSON nodes.ns1.polder.alerts.rules)})}
      import base64
      import secrets

      KNOT, NSD = ADDRESS["knot"], ADDRESS["nsd"]
      STATE = "/var/lib/polder-dns"
      KEYS = "/var/lib/polder-keys"
      SECRET = {name: base64.b64encode(secrets.token_bytes(32)).decode() for name in ("knot", "nsd", "wrong")}

      def dig(server, question, *more):
          return client.succeed(f"dig @{server} +norecurse +tries=3 +time=5 {question} {' '.join(more)}")

      def serial(server, zone):
          """What a nameserver answers with authority; None where it does not."""
          said = client.execute(f"dig @{server} +norecurse +tries=1 +time=2 {zone} SOA")[1]
          soa = [line.split() for line in said.splitlines() if line.startswith(f"{zone}.\t")]
          return int(soa[0][6]) if " aa" in said and soa and soa[0][3] == "SOA" else None

      def addresses(server, name):
          return sorted(dig(server, f"+short {name} A").split())

      def secret_file(host, path, text, owner):
          """As a tool for secrets would have put it there."""
          host.succeed(f"install -D -m 0400 -o {owner} /dev/null {path}", f"cat > {path} <<'END'\n{text}\nEND")

      def lines():
          """What the nameserver has logged."""
          return ns1.succeed("journalctl --boot --output=cat --unit=polder-dns.service").splitlines()

      def alerts():
          """The rules about zones by which Prometheus would call somebody."""
          page = read(metrics(ns1, "polder-dns"), "ns1")
          return [name for name, rule in RULES.items() if "Zone" in name and firing(rule, [page])]

      boot(ns1, knot, nsd, client)

      with subtest("without its secrets the nameserver does not serve, says which are missing, and serves as soon as they are there"):
          ns1.wait_until_succeeds("journalctl --boot --unit=polder-dns.service | grep -F tsig_keys.knot.example.test.secret_file", timeout=60)
          ns1.fail("systemctl is-active polder-dns.service")
          ns1.succeed("install -d -m 0750 -g polder-dns /var/lib/certificates")
          ns1.succeed("install -m 0640 -g polder-dns ${certificate}/*.pem /var/lib/certificates")
          for name in ("knot", "nsd"):
              ns1.succeed(f"echo {SECRET[name]} > {KEYS}/tsig_{name}")
              t.assertEqual(ns1.succeed(f"stat --format=%U:%a {KEYS}/tsig_{name}").strip(), "polder-dns:400")
          ns1.wait_for_unit("polder-dns.service")

      with subtest("a zone that has not come yet is answered SERVFAIL, and the others as ever"):
          t.assertIn("status: SERVFAIL", dig(NS1, "guest.test SOA"))
          t.assertEqual(alerts(), ["PolderZoneUnserved"])
          t.assertEqual(serial(NS1, "office.test"), 1)

      with subtest("it answers over TLS and QUIC, too, and the firewall lets in no more than that"):
          kdig = f"kdig @{NS1} +tls-ca=${certificate}/chain.pem +short {POOL} A"
          for transport in ("+tls", "+quic"):
              said = client.succeed(f"{kdig} {transport} +tls-hostname=ns1.example.test")
              t.assertEqual(sorted(said.split()), sorted([PX1, PX2]), transport)
              client.fail(f"{kdig} {transport} +tls-hostname=elsewhere.example.test | grep .")
          reached = {port for port in (53, 443, 853) if client.execute(f"nc -z -w 1 {NS1} {port}")[0] == 0}
          t.assertEqual(reached, {53, 853})

      with subtest("Knot and NSD get the zones, names of pools too, and serve them"):
          secret_file(knot, "/var/lib/knot-keys/polder.conf", f"key:\n  - id: knot.example.test\n    algorithm: hmac-sha512\n    secret: {SECRET['knot']}", "knot")
          secret_file(nsd, "/var/lib/nsd-keys/polder", SECRET["nsd"], "nsd")
          knot.succeed("systemctl start knot.service")
          nsd.succeed("systemctl start nsd.service")
          for server in (KNOT, NSD):
              wait_until("it serves both", lambda: [serial(server, zone) for zone in ("example.test", "office.test")] == [1, 1])
              t.assertEqual(addresses(server, POOL), sorted([PX1, PX2]))
              t.assertEqual(addresses(server, "desk.office.test"), ["192.0.2.1"])

      with subtest("a change arrives at both because they are told: the first one since the journal began as the whole zone, then what has changed"):
          for number, (variant, what) in enumerate((("second", ""), ("third", ", what has changed since 2")), 2):
              said = ns1.succeed(f"/run/booted-system/specialisation/{variant}/bin/switch-to-configuration test 2>&1")
              t.assertRegex(said, "reloading the following units: .*polder-dns.service")
              for server in (KNOT, NSD):
                  wait_until("it serves the change", lambda: serial(server, "office.test") == number)
                  t.assertEqual(addresses(server, "chair.office.test"), [f"192.0.2.{number}"])
                  words = re.compile(rf"zone office.test \(serial {number}\) was transferred to {server}: 6 records in 1 message{what}")
                  wait_until(f"the log says so of {server}", lambda: any(words.fullmatch(line) for line in lines()))

      with subtest("whoever has another key, or asks from elsewhere, gets nothing"):
          def asked(host, key=None, name="nsd"):
              """What a nameserver that asks for the zone is told: the code, and whether it got any record."""
              signed = f"-y hmac-{'sha512' if name == 'knot' else 'sha256'}:{name}.example.test:{key}" if key else ""
              said = host.execute(f"kdig @{NS1} {signed} +retry=0 office.test AXFR 2>&1")[1]
              return next((word for word in ("BADSIG", "REFUSED") if word in said), said), "192.0.2." in said

          t.assertIn("desk.office.test.", asked(nsd, SECRET["nsd"])[0])
          t.assertEqual(asked(nsd, SECRET["wrong"]), ("BADSIG", False))
          t.assertEqual(asked(nsd), ("REFUSED", False))
          t.assertEqual(asked(nsd, SECRET["knot"], "knot"), ("REFUSED", False))
          t.assertEqual(asked(client, SECRET["nsd"]), ("REFUSED", False))

      with subtest("a zone of Knot comes to us, and its changes as soon as it tells us"):
          def change(name, address):
              knot.succeed("knotc zone-begin guest.test", f"knotc zone-set guest.test {name} 60 A {address}", "knotc zone-commit guest.test")
              wait_until("it has come", lambda: addresses(NS1, f"{name}.guest.test") == [address])

          wait_until("it has come", lambda: serial(NS1, "guest.test") == 1)
          t.assertEqual(alerts(), [])
          change("hall", "192.0.2.2")

      with subtest("without its primary it goes on serving, after a restart from what it has stored, and follows once that is back"):
          knot.succeed("systemctl stop knot.service")
          t.assertEqual(addresses(NS1, "hall.guest.test"), ["192.0.2.2"])
          pid = ns1.succeed("systemctl show --property=MainPID --value polder-dns.service")
          ns1.succeed("systemctl restart polder-dns.service")
          t.assertNotEqual(ns1.succeed("systemctl show --property=MainPID --value polder-dns.service"), pid)
          t.assertEqual(addresses(NS1, "hall.guest.test"), ["192.0.2.2"])
          knot.succeed("systemctl start knot.service")
          change("attic", "192.0.2.3")

      with subtest("what is stored is the daemon's alone: no operator reads it, nor anybody else"):
          found = ns1.succeed(f"find {STATE}/secondaries {STATE}/journals -type f -printf '%P %u:%g %m\n'").splitlines()
          owned = "polder-dns:polder-dns 600"
          t.assertEqual(sorted(found), [f"example.test.journal {owned}", f"guest.test.zone {owned}", f"office.test.journal {owned}"])
          for who in ("--reuid=nobody --regid=nogroup --clear-groups", "--reuid=nobody --regid=polder-dns --clear-groups"):
              ns1.fail(f"setpriv {who} ls {STATE}/secondaries")
          ns1.succeed(f"setpriv --reuid=polder-dns --regid=polder-dns --clear-groups cat {STATE}/secondaries/guest.test.zone > /dev/null")

      with subtest("no secret is in the store, and the search would find one; the daemon shows none"):
          search = "xargs --arg-file=/tmp/paths grep --recursive --files-with-matches --fixed-strings --no-messages -- "
          ns1.succeed("nix-store --query --requisites /run/current-system /run/booted-system | sort -u > /tmp/paths; test -s /tmp/paths")
          shown = json.dumps(status(ns1, "polder-dns")) + metrics(ns1, "polder-dns")
          shown += ns1.succeed("journalctl --boot --unit=polder-dns.service; cat /etc/polder/*.json; ps -ef")
          for name in ("knot", "nsd"):
              ns1.fail(search + SECRET[name])
              t.assertNotIn(SECRET[name], shown)
          ns1.succeed(f"cp {KEYS}/tsig_nsd /tmp/careless; nix-store --add /tmp/careless >> /tmp/paths")
          t.assertIn("careless", ns1.succeed(search + SECRET["nsd"]))
    '';
}
