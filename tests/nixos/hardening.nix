# What an attacker finds: units with few privileges, closed ports, and no secret that everybody can read.
{ lib, polderTests, ... }:

let
  # The exposure that `systemd-analyze security` gives, times ten: 0 is best, 100 worst. What is left is the network, the
  # system calls of any daemon, and, for the daemons, ports below 1024.
  thresholds = {
    px1.polder-proxy = 20;
    ns1.polder-dns = 20;
    svn.polder-svn-repository = 20;
    svn.polder-svn-hotcopy = 20;
  };

  # Both daemons on one host, with keys that are put there when it runs, or made there: the fleet lists none for its nameserver.
  both = {
    polder.fleet.hosts.px1.roles = lib.mkForce [
      "proxy"
      "nameserver"
    ];
    polder.keys.cookies = lib.mkForce "/var/lib/polder-keys/cookies";
    virtualisation.writableStore = true;
  };
in
{
  name = "hardening";
  globalTimeout = 600;

  nodes = polderTests.nodes // {
    px1.imports = [
      polderTests.nodes.px1
      both
    ];
  };

  testScript =
    { nodes, ... }:
    polderTests.prelude nodes
    + ''
      import base64
      import secrets

      THRESHOLDS = json.loads('${builtins.toJSON thresholds}')
      # What may be reached from anywhere, and, beyond that, from where.
      OPEN = {"px1": {80}, "ns1": {53}, "web1": set(), "svn": {22}}
      KEYS = "/var/lib/polder-keys"

      hosts = {"px1": px1, "ns1": ns1, "web1": web1, "svn": svn}
      boot(*hosts.values(), client)

      with subtest("a daemon without its keys does not serve, says which is missing, and serves as soon as it is there"):
          secret = {"cookies": base64.b64encode(secrets.token_bytes(32)).decode()}
          px1.wait_until_succeeds(f"journalctl --boot --unit=polder-proxy.service | grep -F {KEYS}/cookies", timeout=60)
          px1.fail("systemctl is-active polder-proxy.service")
          px1.succeed(f"(umask 077; echo {secret['cookies']} > {KEYS}/cookies)")
          px1.succeed("systemctl restart systemd-tmpfiles-resetup.service")
          px1.wait_for_unit("polder-proxy.service")
          ns1.wait_for_unit("polder-dns.service")

      with subtest("a daemon whose key the fleet does not list does not serve, and says which key to list where"):
          own = px1.wait_until_succeeds("polder keys identity /var/lib/polder-dns/identity.key", timeout=60).strip()
          words = f'peers.members.px1.keys: lists none; expected "{own}"'
          px1.wait_until_succeeds(f"journalctl --boot --unit=polder-dns.service | grep -F '{words}'", timeout=60)
          px1.fail("systemctl is-active polder-dns.service")
          secret["identity"] = px1.succeed("sed -n 2p /var/lib/polder-dns/identity.key").strip()
          t.assertEqual(len(secret["identity"]), 44)

      with subtest("neither daemon reads the other's keys, nor speaks to its admin socket"):
          for user, keys in (
              ("polder-proxy", (f"{KEYS}/cookies", "/var/lib/polder-proxy/identity.key")),
              ("polder-dns", ("/var/lib/polder-dns/identity.key",)),
          ):
              other = {"polder-proxy": "polder-dns", "polder-dns": "polder-proxy"}[user]
              for key in keys:
                  t.assertEqual(px1.succeed(f"stat --format=%U:%a {key}").strip(), f"{user}:400", key)
                  px1.succeed(f"setpriv --reuid={user} --regid={user} --init-groups cat {key}")
                  px1.fail(f"setpriv --reuid={other} --regid={other} --init-groups cat {key}")
                  # Who may use the admin socket reads no key by that.
                  px1.fail(f"setpriv --reuid=nobody --regid={user} --clear-groups cat {key}")
          ask = "curl --silent --fail --max-time 5 --unix-socket /run/polder-proxy/admin.sock http://localhost/status"
          px1.succeed(f"setpriv --reuid=nobody --regid=polder-proxy --clear-groups {ask}")
          px1.fail(f"setpriv --reuid=polder-dns --regid=polder-dns --init-groups {ask}")
          for host, unit in ((px1, "polder-proxy"), (ns1, "polder-dns")):
              t.assertEqual(host.succeed(f"stat --format=%U:%G:%a /run/{unit}").strip(), f"{unit}:{unit}:750")
              t.assertEqual(host.succeed(f"stat --format=%G:%a /run/{unit}/admin.sock").strip(), f"{unit}:660")
              t.assertEqual(host.succeed(f"stat --format=%U:%a /var/lib/{unit}").strip(), f"{unit}:700")
          px1.fail("getent group polder")

      with subtest("systemd's own judgement of the units is under the thresholds"):
          for name, units in THRESHOLDS.items():
              for unit, threshold in units.items():
                  hosts[name].succeed(f"systemd-analyze security --no-pager --threshold={threshold} {unit}.service >&2")

      with subtest("the daemons run as users of their own, with the one capability"):
          for host, unit in ((px1, "polder-proxy"), (ns1, "polder-dns")):
              pid = host.succeed(f"systemctl show --property=MainPID --value {unit}.service").strip()
              said = dict(line.split(":", 1) for line in host.succeed(f"cat /proc/{pid}/status").splitlines())
              t.assertNotIn("0", said["Uid"].split())
              for kind in ("CapEff", "CapPrm", "CapBnd"):
                  t.assertEqual(int(said[kind], 16), 1 << 10, kind)
              t.assertEqual(said["NoNewPrivs"].strip(), "1")
              t.assertEqual(said["Seccomp"].strip(), "2")
              # Nobody else looks at its state, or asks it.
              host.fail(f"su -s /bin/sh nobody -c 'ls /var/lib/{unit}'")
              host.fail(f"su -s /bin/sh nobody -c 'curl --max-time 5 --unix-socket /run/{unit}/admin.sock http://localhost/status'")

      with subtest("of all ports that are listened on, only those that should be are reached"):
          for name, host in hosts.items():
              listening = host.succeed("ss --no-header --listening --tcp --numeric | awk '{print $4}'").split()
              ports = {int(address.rsplit(":", 1)[1]) for address in listening}
              t.assertTrue(OPEN[name] <= ports, f"{name} listens on {ports}")
              # One that nobody listens on, to see that such a one is closed too.
              reached = {port for port in ports | {9} if client.execute(f"nc -z -w 1 {name} {port}")[0] == 0}
              t.assertEqual(reached, OPEN[name], name)
          # The proxies reach what visitors do not.
          px1.succeed("nc -z -w 2 web1 8080")

      with subtest("no secret is in the store, and the search would find one"):
          # What is searched: the whole system, and all that was added since.
          search = "xargs --arg-file=/tmp/paths grep --recursive --files-with-matches --fixed-strings --no-messages -- "
          px1.succeed("nix-store --query --requisites /run/current-system | sort > /tmp/paths; test -s /tmp/paths")
          t.assertGreater(int(px1.succeed("wc -l < /tmp/paths")), 20)
          for value in secret.values():
              px1.fail(search + value)
          # Neither does a daemon show it.
          shown = json.dumps(status(px1, "polder-proxy")) + metrics(px1, "polder-proxy")
          shown += px1.succeed("journalctl --boot --unit=polder-proxy.service --unit=polder-dns.service")
          shown += px1.succeed("cat /etc/polder/*.json; ps -ef; cat /proc/*/environ 2>/dev/null || true")
          for value in secret.values():
              t.assertNotIn(value, shown)
          # The proof: a careless file would have been found.
          px1.succeed(f"cp {KEYS}/cookies /tmp/careless; nix-store --add /tmp/careless >> /tmp/paths")
          t.assertIn("careless", px1.succeed(search + secret["cookies"]))
    '';
}
