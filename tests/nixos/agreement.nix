# The hosts that keep what the proxies agree upon: two proxies and a witness, each with a member of etcd, in three places. An admin
# machine gives them their certificates, through their gates.
{
  lib,
  pkgs,
  polderTests,
  ...
}:

let
  members = [
    "px1"
    "px2"
    "wit"
  ];
  keys = ./push/keys;
  publicKey = name: lib.fileContents (keys + "/${name}.pub");

  agreement =
    { nodes, config, ... }:
    {
      polder.fleet = {
        locations = lib.genAttrs [ "nl" "ch" "de" ] (_: { });
        hosts = {
          px1 = {
            location = lib.mkForce "nl";
            hostKey = publicKey "host";
          };
          px2 = {
            location = lib.mkForce "ch";
            hostKey = publicKey "host";
          };
          wit = {
            location = "de";
            roles = [ "witness" ];
            ipv4 = nodes.wit.networking.primaryIPAddress;
            hostKey = publicKey "host";
          };
          admin = {
            hostKey = publicKey "host";
            deployKeys = [ (publicKey "deploy-nl") ];
            signingKeys = [ (publicKey "signing-admin-nl") ];
          };
        };
        agreement.hosts = members;
      };
      # As after the first push.
      specialisation = lib.mkIf (lib.elem config.networking.hostName members) {
        formed.configuration.polder.fleet.agreement.formed = true;
      };
    };

  on = machine: {
    imports = [
      machine
      agreement
    ];
  };
in
{
  name = "agreement";
  globalTimeout = 900;

  nodes =
    # The client is no host of the fleet.
    lib.mapAttrs (name: machine: if name == "client" then machine else on machine) polderTests.nodes
    // {
      wit = {
        imports = [
          polderTests.fleet
          agreement
        ];
      };
    };

  testScript =
    { nodes, ... }:
    let
      # What `polder check` would have evaluated, as far as the test has machines.
      evaluated = nodes.px1.polder.evaluated.fleet;
      fleet = pkgs.writeText "fleet.json" (
        builtins.toJSON {
          version = 1;
          inherit (evaluated) agreement;
          hosts = lib.getAttrs (members ++ [ "admin" ]) evaluated.hosts;
          zones = { };
          pools = { };
          systems = { };
        }
      );
    in
    polderTests.prelude nodes
    + builtins.readFile ./data/alerts.py
    + ''
      RULES = {rule["alert"]: rule["expr"] for rule in json.loads(${builtins.toJSON (builtins.toJSON nodes.px1.polder.alerts.rules)})}
      MEMBERS = (px1, px2, wit)
      KEYS = "/var/lib/polder-keys"
      SNAPSHOTS = "/var/lib/polder-agreement"

      def healthy(host=px1):
          said = host.execute("polder-etcdctl endpoint health --cluster --write-out=json 2>/dev/null")[1]
          try:
              return sum(1 for member in json.loads(said) if member["health"])
          except json.JSONDecodeError:
              return 0

      def keys(words):
          return admin.succeed(f"polder keys {words} --fleet /root/fleet.json 2>&1")

      def value(host):
          return host.execute("polder-etcdctl --command-timeout=2s get latch --print-value-only")[1].strip()

      def active(host):
          return next(s["latch"]["active"] for s in status(host)["services"] if s["name"] == "shop")

      def visited(host):
          """What a proxy answers to a visitor of the shop (asked on the proxy itself, which may be cut off)."""
          return host.execute("curl --silent --max-time 8 --output /dev/null --write-out '%{http_code}' --header 'Host: shop.example.test' http://127.0.0.1/session")[1].strip()

      def seats():
          said = px1.execute("polder-etcdctl get --prefix --keys-only /polder/1/seats/")[1].split()
          return sorted(key.rsplit("/", 1)[-1] for key in said)

      def fires(alert, name):
          """Whether an alert is about this host, by what Prometheus would have after one round (on the admin machine, which may ask)."""
          samples = {}
          for host in MEMBERS:
              code, text = admin.execute(f"curl --silent --show-error --fail --max-time 2 http://{ADDRESS[host.name]}:2381/metrics")
              samples["up", frozenset({("job", "polder-agreement"), ("instance", host.name)})] = float(code == 0)
              if code == 0:
                  read_samples = read(text, host.name)
                  samples |= {(metric, labels | {("job", "polder-agreement")}): v for (metric, labels), v in read_samples.items()}
          return [found["instance"] for found in firing(RULES[alert], [samples])] == [name]

      def by_proxies(alert):
          """Which proxy raises an alert about which member."""
          samples = {}
          for host in (px1, px2):
              samples |= read(host.succeed("curl -sSf --max-time 2 --unix-socket /run/polder-proxy/admin.sock http://localhost/metrics"), host.name)
          return {(found["instance"], found["member"]) for found in firing(RULES[alert], [samples])}

      def started(host):
          return host.succeed("systemctl show --property=ActiveEnterTimestampMonotonic etcd.service")

      # Before the proxies, which would fail over from a primary that is not there.
      boot(web2, web3)
      boot(px1, px2, wit, admin, client)
      for host in (*MEMBERS, admin):
          put(host, "${keys}/host", "/etc/ssh/ssh_host_ed25519_key", "root:root", "600")
          put(host, "${keys}/host.pub", "/etc/ssh/ssh_host_ed25519_key.pub", "root:root", "644")
          host.succeed("systemctl restart sshd.service")
      put(admin, "${keys}/deploy-nl", "/var/lib/polder-admin/keys/deploy", "polder-admin:polder-admin", "640")
      put(admin, "${keys}/signing-admin-nl", "/var/lib/polder-admin/keys/signing", "polder-admin:polder-admin", "640")
      admin.copy_from_host("${fleet}", "/root/fleet.json")

      with subtest("without their certificates the members wait, and no unit has failed"):
          for host in MEMBERS:
              host.fail("systemctl is-active --quiet etcd.service")
              host.fail("systemctl is-failed --quiet etcd.service")

      with subtest("polder keys makes the certificates; with them the members find each other"):
          t.assertIn("no certificate", admin.fail("polder keys show --fleet /root/fleet.json 2>&1"))
          log.info(keys("agreement"))
          for host in MEMBERS:
              host.wait_for_unit("etcd.service")
          wait_until("all three are healthy", lambda: healthy() == 3)
          log.info(keys("show"))
          t.assertIn("nothing to do", keys("agreement"))

      with subtest("the proxies and etcd read the key, and nobody else"):
          for host in (px1, px2):
              t.assertEqual(host.succeed(f"stat --format='%U %G %a' {KEYS}/agreement.pem").strip(), "polder-proxy polder-agreement 440")
          t.assertEqual(wit.succeed(f"stat --format='%U %G %a' {KEYS}/agreement.pem").strip(), "root polder-agreement 440")
          wit.fail(f"runuser -u nobody -- cat {KEYS}/agreement.pem")

      with subtest("a stranger reaches no port, and without a certificate nobody is spoken with"):
          for host in MEMBERS:
              for port in (2379, 2380, 2381):
                  client.fail(f"curl --insecure --max-time 2 https://{ADDRESS[host.name]}:{port}/health")
          px2.fail(f"curl --insecure --silent --show-error --max-time 5 https://{PX1}:2379/version >&2")
          px2.succeed(
              f"curl --silent --show-error --max-time 5 --cacert {KEYS}/agreement-ca.pem --cert {KEYS}/agreement.pem --key {KEYS}/agreement.pem "
              f"https://{PX1}:2379/version >&2"
          )

      with subtest("once the members have found each other, the proxies agree there; visitors notice nothing"):
          wait_until("both proxies serve web2", lambda: active(px1) == active(px2) == "web2")
          for host in MEMBERS:
              host.succeed("/run/current-system/specialisation/formed/bin/switch-to-configuration test >&2")
              wait_until("all three are healthy", lambda: healthy() == 3)
          for host in (px1, px2):
              t.assertEqual(host.succeed("systemctl show --property=NRestarts --value polder-proxy.service").strip(), "0")
          wait_until("both have their seats", lambda: seats() == ["px1", "px2"])
          wait_until("both serve", lambda: visited(px1) == visited(px2) == "200")

      with subtest("the primary is gone: both go on with the backup"):
          web2.crash()
          wait_until("both proxies serve web3", lambda: active(px1) == active(px2) == "web3")
          wait_until("both serve", lambda: visited(px1) == visited(px2) == "200")
          boot(web2)

      with subtest("a proxy that is cut off from the agreement stops, though it reaches the backend; the others go on"):
          px1.succeed(
              "nft add table inet cut; nft 'add chain inet cut out { type filter hook output priority 0; }'; "
              "nft add rule inet cut out tcp dport '{ 2379, 2380 }' drop; nft add rule inet cut out tcp sport 2380 drop"
          )
          wait_until("it has stopped", lambda: visited(px1) == "503")
          shop = next(s for s in status(px1)["services"] if s["name"] == "shop")
          t.assertEqual(next(b["check"] for b in shop["backends"] if b["name"] == "web3"), "up")
          t.assertEqual(visited(px2), "200")
          px2.succeed("polder failback shop --why test >&2")
          wait_until("the other one serves web2", lambda: active(px2) == "web2" and visited(px2) == "200")
          t.assertEqual(visited(px1), "503")
          px1.succeed("nft delete table inet cut")
          wait_until("both serve web2", lambda: active(px1) == active(px2) == "web2" and visited(px1) == visited(px2) == "200")

      with subtest("a member is gone: the others go on, and it catches up"):
          wit.crash()
          # If it led, the others have to elect another leader first.
          px1.wait_until_succeeds("polder-etcdctl put latch web2 >&2", timeout=30)
          wait_until("two are healthy", lambda: healthy() == 2)
          t.assertTrue(fires("PolderAgreementMemberDown", "wit"))
          wait_until("the proxies say so", lambda: by_proxies("PolderAgreementMemberUnreachable") == {("px1", "wit"), ("px2", "wit")}, 30)
          t.assertIn("member wit of etcd answers nobody", px1.execute("polder status")[1])
          boot(wit)
          # It has come up with the system of its first boot.
          wit.succeed("/run/current-system/specialisation/formed/bin/switch-to-configuration test >&2")
          wait_until("all three are healthy again", lambda: healthy() == 3)
          t.assertFalse(fires("PolderAgreementMemberDown", "wit"))
          wait_until("the proxies say so", lambda: not by_proxies("PolderAgreementMemberUnreachable"), 30)
          wait_until("it has caught up", lambda: value(wit) == "web2")

      with subtest("cut off from the others a member refuses, and they go on"):
          px1.block()
          wait_until("it has no majority", lambda: px1.execute("polder-etcdctl --command-timeout=2s get latch")[0] != 0)
          px2.wait_until_succeeds("polder-etcdctl put latch web3 >&2", timeout=30)
          px1.unblock()
          wait_until("it knows what the others agreed upon", lambda: value(px1) == "web3")

      with subtest("the authority is replaced: one member after the other, and the others never miss it"):
          before = {host.name: started(host) for host in MEMBERS}
          log.info(keys("agreement --new-authority"))
          t.assertEqual(healthy(), 3)
          t.assertTrue(all(started(host) != before[host.name] for host in MEMBERS), "a member trusts what it has not read")
          log.info(keys("agreement --retire"))
          t.assertEqual(healthy(), 3)
          for host in MEMBERS:
              t.assertEqual(host.succeed(f"grep --count BEGIN {KEYS}/agreement-ca.pem").strip(), "1")
          log.info(keys("show"))
          t.assertEqual(value(px2), "web3")

      with subtest("while a member is ill, no other is restarted"):
          wit.succeed("systemctl stop etcd.service")
          before = {host.name: started(host) for host in (px1, px2)}
          t.assertIn("not healthy", admin.fail("polder keys agreement --new-authority --fleet /root/fleet.json 2>&1"))
          t.assertEqual(before, {host.name: started(host) for host in (px1, px2)})
          wit.succeed("systemctl start etcd.service")
          wait_until("all three are healthy", lambda: healthy() == 3)

      with subtest("for a secrets manager the same comes as files"):
          client.copy_from_host("${fleet}", "/root/fleet.json")
          client.succeed("polder keys agreement --fleet /root/fleet.json --to /root/agreement >&2")
          t.assertEqual(
              client.succeed("ls /root/agreement").split(), ["agreement-ca.pem", "authority.pem", "px1.pem", "px2.pem", "wit.pem"]
          )

      with subtest("snapshots are made, and are good"):
          for host in MEMBERS:
              host.succeed("systemctl start polder-agreement-snapshot.service")
              host.succeed(f"etcdutl snapshot status {SNAPSHOTS}/snapshot-*.db >&2")
          # Of those that are old there are only so many.
          px1.succeed(f"for n in $(seq 100 160); do touch {SNAPSHOTS}/snapshot-20000101T000$n.db; done; chown etcd {SNAPSHOTS}/*")
          px1.succeed("systemctl start polder-agreement-snapshot.service")
          t.assertEqual(px1.succeed(f"ls {SNAPSHOTS} | wc --lines").strip(), "48")

      with subtest("each member is defragmented, at an hour of its own"):
          for host in MEMBERS:
              host.succeed("systemctl start polder-agreement-defragment.service")
          times = {host.succeed("systemctl show --property=TimersCalendar polder-agreement-defragment.timer | grep -o 'OnCalendar=[^;]*'") for host in MEMBERS}
          t.assertEqual(len(times), 3, f"{times}")

      with subtest("a quota that is reached is an alarm, and what the page says mends it"):
          t.assertEqual(by_proxies("PolderAgreementMemberAlarm"), set())
          px1.succeed("head --bytes=1000000 /dev/zero | tr '\\0' x > /tmp/large")
          px1.succeed("for n in $(seq 300); do polder-etcdctl put filler-$n < /tmp/large > /dev/null 2>&1 || exit 0; done; exit 1")
          wait_until("the proxies say so", lambda: {proxy for proxy, _ in by_proxies("PolderAgreementMemberAlarm")} == {"px1", "px2"}, 30)
          px1.succeed("polder-etcdctl del --prefix filler- >&2")
          revision = json.loads(px1.succeed("polder-etcdctl endpoint status --write-out=json"))[0]["Status"]["header"]["revision"]
          px1.succeed(f"polder-etcdctl compact {revision} >&2")
          px1.succeed("polder-etcdctl --command-timeout=60s defrag --cluster >&2", "polder-etcdctl alarm disarm >&2")
          wait_until("it is over", lambda: not by_proxies("PolderAgreementMemberAlarm"), 30)

      with subtest("two of three are gone: the last one says that it has no leader"):
          t.assertFalse(fires("PolderAgreementNoLeader", "px1"))
          for host in (px2, wit):
              host.succeed("systemctl stop etcd.service")
          wait_until("it has no leader", lambda: fires("PolderAgreementNoLeader", "px1"))
          for host in (px2, wit):
              host.succeed("systemctl start etcd.service")
          wait_until("all three are healthy", lambda: healthy() == 3)

      with subtest("a member that has lost its disk begins no cluster of its own, and is replaced"):
          wit.succeed("systemctl stop etcd.service", "rm -rf /var/lib/etcd/member", "systemctl start etcd.service")
          # It is still listed with what it had, and the others do not take it for that.
          wait_until("it does not come back by itself", lambda: healthy() == 2)
          t.assertIn("has to start without old data", px1.fail("polder agreement replace wit 2>&1"))
          wit.succeed("systemctl stop etcd.service", "rm -rf /var/lib/etcd/member", "systemctl start etcd.service")
          log.info(px1.succeed("polder agreement replace wit --wait --wait-limit 60s 2>&1"))
          log.info(px2.succeed("polder agreement members 2>&1"))
          wait_until("all three are healthy again", lambda: healthy() == 3)
          t.assertEqual(value(wit), "web3")

      with subtest("all is lost: every member is restored from one snapshot"):
          px1.succeed("systemctl start polder-agreement-snapshot.service")
          name = px1.succeed(f"ls {SNAPSHOTS}/snapshot-*.db | tail --lines=1").strip()
          px2.succeed("polder-etcdctl put latch later >&2")
          t.assertIn("etcd is there", wit.fail(f"polder agreement restore {SNAPSHOTS}/snapshot-*.db 2>&1 | tail --lines=1; exit 1"))
          for host in MEMBERS:
              host.succeed("systemctl stop etcd.service")
          snapshot = px1.succeed(f"base64 --wrap=0 {name}")
          for host in MEMBERS:
              host.succeed("cat > /tmp/snapshot.b64 <<'END'\n" + snapshot + "\nEND", "base64 --decode /tmp/snapshot.b64 > /tmp/snapshot.db")
              t.assertIn("there are data already", host.fail("polder agreement restore /tmp/snapshot.db 2>&1"))
              log.info(host.succeed("polder agreement restore /tmp/snapshot.db --set-aside 2>&1"))
          for host in MEMBERS:
              host.succeed("systemctl start etcd.service")
          wait_until("all three are healthy", lambda: healthy() == 3)
          t.assertEqual(value(px2), "web3")

      with subtest("the unit has few privileges"):
          wit.succeed("systemd-analyze security --no-pager --threshold=20 etcd.service >&2")
    '';
}
