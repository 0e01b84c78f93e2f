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
    environment.systemPackages = [ hostPkgs.openssl ];
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
