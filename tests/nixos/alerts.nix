# Every alert rule fires when what it is for happens, and is silent before.
#
# The rules are evaluated by data/alerts.py on what the daemons say; that Prometheus reads the same rules is checked by
# eval/alert-rules.nix.
{
  hostPkgs,
  lib,
  polderTests,
  ...
}:

let
  fleet = {
    environment.systemPackages = [
      hostPkgs.ldns.examples
      hostPkgs.openssl
    ];
    polder.fleet.services.www.tls.certificates = [
      {
        chain_file = "/var/lib/certificates/chain.pem";
        key_file = "/var/lib/certificates/key.pem";
      }
    ];
  };
in
{
  name = "alerts";
  globalTimeout = 600;

  nodes =
    lib.mapAttrs (_: node: {
      imports = [
        node
        fleet
      ];
    }) (removeAttrs polderTests.nodes [ "client" ])
    // {
      inherit (polderTests.nodes) client;
    };

  testScript =
    { nodes, ... }:
    polderTests.prelude nodes
    + builtins.readFile ./data/alerts.py
    + ''
      import datetime

      RULES = {rule["alert"]: rule["expr"] for rule in json.loads(${builtins.toJSON (builtins.toJSON nodes.px1.polder.alerts.rules)})}
      DAEMONS = {"px1": (px1, "polder-proxy"), "px2": (px2, "polder-proxy"), "ns1": (ns1, "polder-dns"), "ns2": (ns2, "polder-dns")}
      gone: set[str] = set()
      fired: set[str] = set()

      def scrape():
          """What Prometheus would have after one round: every page, and `up`."""
          samples = {}
          for name, (host, daemon) in DAEMONS.items():
              labels = frozenset({("job", "polder"), ("instance", name)})
              # A test driver would boot a crashed machine to ask it.
              code, text = (1, "") if name in gone else host.execute(f"curl -sSf --max-time 2 --unix-socket /run/{daemon}/admin.sock http://localhost/metrics")
              samples["up", labels] = float(code == 0)
              if code == 0:
                  samples |= read(text, name)
          return samples

      @contextlib.contextmanager
      def fires(alert, **labels):
          """Silent before the block, firing after it, with these labels."""
          before = scrape()
          t.assertEqual(firing(RULES[alert], [before]), [], f"{alert} fires before anything happened")
          yield
          holds = lambda: any(labels.items() <= found.items() for found in firing(RULES[alert], [before, scrape()]))
          wait_until(f"{alert} fires", holds, 30)
          fired.add(alert)

      def cut(host, port):
          host.succeed(
              "nft add table inet cut; nft 'add chain inet cut out { type filter hook output priority 0; }'; "
              f"nft add rule inet cut out tcp dport {port} drop"
          )

      def issue(left, life=90):
          """A certificate that ends in so many days."""
          date = lambda days: f"$(date --utc --date '{days:+} days' +%Y%m%d%H%M%SZ)"
          px1.succeed(
              "install -d -m 0750 -g polder-proxy /var/lib/certificates",
              "cd /var/lib/certificates; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=www "
              f"-not_before {date(left - life)} -not_after {date(left)} -addext subjectAltName=DNS:www.example.test,DNS:example.test "
              "-keyout key.pem -out chain.pem >&2; chgrp polder-proxy *.pem; chmod 0640 *.pem",
          )

      OF_SIGNATURES = ("PolderZoneSignaturesOld", "PolderZoneSignaturesEnding")

      def zone_of(apex, serial):
          """A zone's file, for a shell."""
          return f"$ORIGIN {apex}.\n$TTL 5\n@ SOA ns1 hostmaster {serial} 2 2 86400 5\n@ NS ns1\nns1 A {NS1}"

      def put_zones(host, zones, by="reload"):
          """Has a nameserver serve these beside the fleet's."""
          document = "/etc/polder/dns.json"
          host.succeed(
              f"test -e /tmp/dns.json || cp {document} /tmp/dns.json; rm {document}",
              f"jq '.zones += {json.dumps(zones)}' /tmp/dns.json > {document}; systemctl {by} polder-dns.service",
          )

      def is_known(metric, instance, zone):
          return any(name == metric and {("instance", instance), ("zone", zone)} <= labels for name, labels in scrape())

      def serial(host, apex):
          return next((zone["serial"] for zone in status(host, "polder-dns")["zones"] if zone["name"] == apex), None)

      def made_earlier(private, days):
          """The text of a key's secret file, as if it had been made so many days ago."""
          form = "%Y%m%d%H%M%S"
          earlier = lambda found: (datetime.datetime.strptime(found[0], form) - datetime.timedelta(days)).strftime(form)
          return re.sub(r"(?<=: )\d{14}$", earlier, private, flags=re.MULTILINE)

      def sign(serial, left, life=30):
          """Has somebody else sign given.test, with signatures that are good for so many days still, and ns1 take it."""
          date = lambda days: f"$(date --utc --date '{days:+} days' +%Y%m%d%H%M%S)"
          ns1.succeed(
              f"cd /tmp/signer; echo '{zone_of('given.test', serial)}' > unsigned",
              f"cd /tmp/signer; ldns-signzone -i {date(left - life)} -e {date(left)} -f /var/lib/zones/given.test unsigned $(basename K*.key .key)",
              "systemctl reload polder-dns.service",
          )

      def mend(host):
          host.succeed("nft delete table inet cut")

      ready(web1, web2, web3)
      ready(ns1, ns2, px1, px2, client)
      wait_until("both proxies are up", lambda: all_up(ns1, ns2))

      issue(20)
      wait_until("the certificate is in force", lambda: any(name == "polder_certificate_lifetime_seconds" for name, _ in scrape()), 30)

      with subtest("nothing fires on a fleet that is well"):
          client.sleep(2)
          history = [scrape(), scrape()]
          for alert, expression in RULES.items():
              t.assertEqual(firing(expression, history), [], alert)

      with subtest("a failover"):
          with fires("PolderLatchMoved", service="shop"):
              web2.succeed("systemctl stop program-shop.service")
          web2.succeed("systemctl start program-shop.service")
          wait_until("web2 is up again", lambda: "up" in [b["check"] for s in status(px1)["services"] if s["name"] == "shop" for b in s["backends"] if b["name"] == "web2"])

      with subtest("two proxies that serve different backends"):
          with fires("PolderLatchesDiffer"):
              for host in (px1, px2):
                  cut(host, 8405)
              client.sleep(2)
              px1.succeed("polder failback shop >&2")
          for host in (px1, px2):
              mend(host)
          wait_until("they agree again", lambda: firing(RULES["PolderLatchesDiffer"], [scrape()]) == [], 30)

      with subtest("a latch that is lost"):
          with fires("PolderLatchUndecided", service="shop", instance="px1"):
              px1.succeed("systemctl stop polder-proxy.service")
              cut(px1, 8405)
              cut(px2, 8405)
              slots = px1.succeed("find /var/lib/polder-proxy -name '*latch*' -type f").split()
              t.assertEqual(len(slots), 2)
              px1.succeed(*(f"echo damaged > {slot}" for slot in slots))
              px1.succeed("systemctl start --no-block polder-proxy.service")
          for host in (px1, px2):
              mend(host)
          wait_until("it is decided by the peer", lambda: firing(RULES["PolderLatchUndecided"], [scrape()]) == [], 30)

      with subtest("every backend of a service is down"):
          with fires("PolderServiceDown", service="www"):
              for host in (web1, web2):
                  host.succeed("systemctl stop program-www.service")
          for host in (web1, web2):
              host.succeed("systemctl start program-www.service")

      with subtest("every member of a pool is down"):
          with fires("PolderPoolIsolated", pool=POOL, instance="ns1"):
              cut(ns1, 80)
          # As long as a peer reaches them, its checks decide.
          with fires("PolderPoolDown", pool=POOL, instance="ns1"):
              cut(ns2, 80)
          for host in (ns1, ns2):
              mend(host)

      with subtest("a reload that fails"):
          for daemon, host, unit in (("proxy", px1, "polder-proxy"), ("nameserver", ns1, "polder-dns")):
              document = "/etc/polder/proxy.json" if unit == "polder-proxy" else "/etc/polder/dns.json"
              with fires("PolderReloadFailed", instance=host.name, daemon=daemon):
                  host.succeed(f"mv {document} /tmp/document; echo '{{' > {document}")
                  host.fail(f"systemctl reload {unit}.service")
              host.succeed(f"rm {document}; mv /tmp/document {document}; systemctl reload {unit}.service")

      with subtest("a state directory that cannot be written"):
          for daemon, host, unit, subject in (("proxy", px2, "polder-proxy", "www/web1"), ("nameserver", ns2, "polder-dns", "px1")):
              with fires("PolderStateUnwritten", instance=host.name, daemon=daemon):
                  host.succeed(f"chown -R root /var/lib/{unit}; chmod -R a-w /var/lib/{unit}")
                  host.execute(f"polder drain {subject} >&2")
              host.succeed(f"chown -R {unit} /var/lib/{unit}; chmod -R u+w /var/lib/{unit}")
              wait_until("it is written again", lambda: firing(RULES["PolderStateUnwritten"], [scrape()]) == [], 30)

      with subtest("certificates that nobody renews"):
          with fires("PolderCertificateNotRenewed", instance="px1"):
              issue(13)
          with fires("PolderCertificateEnding", instance="px1"):
              issue(2)
          issue(3, life=6)
          short = ("PolderCertificateNotRenewed", "PolderCertificateEnding")
          wait_until("one that lives six days and has three left is no alert", lambda: all(firing(RULES[name], [scrape()]) == [] for name in short), 30)

      with subtest("a certificate that cannot be ordered"):
          document = "/etc/polder/proxy.json"
          # Nobody listens there.
          acme = '.acme = {directory: "https://127.0.0.1:9/dir", terms_of_service_agreed: true} | .services.shop.tls = "acme"'
          with fires("PolderCertificateNotOrdered", instance="px1", service="shop"):
              px1.succeed(
                  f"mv {document} /tmp/document; jq '{acme}' /tmp/document > {document}",
                  "systemctl reload polder-proxy.service",
              )
          px1.succeed(f"rm {document}; mv /tmp/document {document}; systemctl reload polder-proxy.service")
          wait_until("nothing is ordered any more", lambda: firing(RULES["PolderCertificateNotOrdered"], [scrape()]) == [], 30)

      with subtest("a zone whose file cannot be used at a start"):
          document = "/etc/polder/dns.json"
          with fires("PolderZoneNotFromFile", instance="ns2", zone="example.test"):
              ns2.succeed(
                  f"mv {document} /tmp/document; jq '.zones[].file = \"/run/gone.zone\"' /tmp/document > {document}",
                  "systemctl restart polder-dns.service",
              )
          ns2.succeed(f"rm {document}; mv /tmp/document {document}; systemctl reload polder-dns.service")
          wait_until("it is served from its file again", lambda: firing(RULES["PolderZoneNotFromFile"], [scrape()]) == [], 30)

      with subtest("a zone that a nameserver signs, and can no more"):
          document, keys = "/etc/polder/dns.json", "/var/lib/polder-keys/dnssec"
          ns1.succeed(
              f"install -d -m 0700 -o polder-dns {keys}; install -d /var/lib/zones",
              f"echo '{zone_of('signed.test', 1)}' > /var/lib/zones/signed.test",
              f"polder dnssec keygen signed.test --ksk --folder {keys} >&2",
              f"polder dnssec keygen signed.test --zsk --folder {keys} >&2",
              f"polder dnssec roll-zsk signed.test --every 16d --for 32d --folder {keys} >&2",
          )
          put_zones(ns1, {"signed.test": {"file": "/var/lib/zones/signed.test", "dnssec": {"keys": keys}}})
          wait_until("it is signed", lambda: is_known("polder_zone_keys_made_until_timestamp_seconds", "ns1", "signed.test"))
          with fires("PolderZoneKeysMadeAheadEnd", instance="ns1", zone="signed.test"):
              # As they are 28 days later: all that keys know of time stands in their files.
              for file in ns1.succeed(f"ls {keys}/*.private").split():
                  older = made_earlier(ns1.succeed(f"cat {file}"), 28)
                  ns1.succeed(f"echo '{older}' > {file}")
              ns1.succeed("systemctl reload polder-dns.service")
          for name in OF_SIGNATURES:
              t.assertEqual(firing(RULES[name], [scrape()]), [], name)
          with fires("PolderZoneSignaturesEnding", instance="ns1", zone="signed.test"):
              ns1.succeed(f"mv {keys} /tmp/keys; systemctl restart polder-dns.service")
          ns1.succeed(f"mv /tmp/keys {keys}; systemctl reload polder-dns.service")
          wait_until("it is signed again", lambda: not any(firing(RULES[name], [scrape()]) for name in OF_SIGNATURES))

      with subtest("a zone that comes signed, and whose signer is late"):
          ns1.succeed("install -d /tmp/signer; cd /tmp/signer; polder dnssec keygen given.test --folder . >&2")
          sign(1, left=11)
          put_zones(ns1, {"given.test": {"file": "/var/lib/zones/given.test", "transfer": {"allow": [{"networks": [NS2]}]}}})
          put_zones(ns2, {"given.test": {"primaries": [{"address": NS1}]}})
          wait_until("the secondary has it", lambda: is_known("polder_zone_signatures_left_seconds", "ns2", "given.test"))
          with fires("PolderZoneSignaturesOld", instance="ns1", zone="given.test"):
              sign(2, left=9)
          wait_until("the secondary has that", lambda: serial(ns2, "given.test") == 2)
          at_secondary = [found for found in firing(RULES["PolderZoneSignaturesOld"], [scrape()]) if found["instance"] == "ns2"]
          t.assertEqual(at_secondary, [], "other signers renew at times of their own")
          with fires("PolderZoneSignaturesEnding", instance="ns2", zone="given.test"):
              sign(3, left=2)
          t.assertEqual({found["instance"] for found in firing(RULES["PolderZoneSignaturesOld"], [scrape()])}, {"ns1", "ns2"})
          with fires("PolderZoneBogus", instance="ns2", zone="forged.test"):
              # A nameserver that starts and has never seen it otherwise serves it as it is; a reload would refuse it.
              ns1.succeed("sed 's/hostmaster.given.test. 3 /hostmaster.given.test. 4 /; s/given/forged/g' /var/lib/zones/given.test > /var/lib/zones/forged.test")
              forged = {"file": "/var/lib/zones/forged.test", "transfer": {"allow": [{"networks": [NS2]}]}}
              put_zones(ns1, {"forged.test": forged}, by="restart")
              put_zones(ns2, {"forged.test": {"primaries": [{"address": NS1}]}})
          t.assertEqual({found["instance"] for found in firing(RULES["PolderZoneBogus"], [scrape()])}, {"ns1", "ns2"})
          t.assertIn("resolvers that validate refuse it: forged.test.", ns2.execute("polder status forged.test")[1])
          for host in (ns1, ns2):
              put_zones(host, {})
          of_both = (*OF_SIGNATURES, "PolderZoneBogus")
          wait_until("they are none of their zones any more", lambda: not any(firing(RULES[name], [scrape()]) for name in of_both))

      with subtest("a zone that its primary does not give"):
          # Nobody listens there.
          primary = '.zones["guest.test"] = {primaries: [{address: "127.0.0.1:9"}]}'
          with fires("PolderZoneUnserved", instance="ns2", zone="guest.test"):
              ns2.succeed(
                  f"mv {document} /tmp/document; jq '{primary}' /tmp/document > {document}",
                  "systemctl reload polder-dns.service",
              )
          t.assertEqual(firing(RULES["PolderZoneNotFromFile"], [scrape()]), [])
          ns2.succeed(f"rm {document}; mv /tmp/document {document}; systemctl reload polder-dns.service")
          wait_until("it is none of its zones any more", lambda: firing(RULES["PolderZoneUnserved"], [scrape()]) == [], 30)

      with subtest("a daemon that is gone"):
          with fires("PolderDaemonDown", instance="ns2"):
              ns2.crash()
              gone.add("ns2")

      with subtest("no rule is left untried"):
          # Those of the agreement are tried where it is: agreement.nix.
          elsewhere = {rule for rule in RULES if rule.startswith("PolderAgreement")}
          t.assertEqual(set(RULES) - fired, elsewhere)
    '';
}
